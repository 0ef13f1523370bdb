/** Media types of the layers of an OCI-SIF (reference: sif.md section 12). They are not packed: digest and diff id are the same. */
export const SQUASHFS_LAYER = "application/vnd.sylabs.image.layer.v1.squashfs";
/** A writable overlay; only ever the topmost layer. */
export const EXT3_LAYER = "application/vnd.sylabs.image.layer.v1.ext3";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
