/** Media types of a SIF in a registry (reference: oci.md section 9). */
export const SIF_CONFIG = "application/vnd.sylabs.sif.config.v1+json";
export const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";
/** As the first versions of the peer misspelt it. */
export const OLD_SIF_LAYER = "appliciation/vnd.sylabs.sif.layer.tar";
/** Annotation with the file's name. */
export const TITLE = "org.opencontainers.image.title";
