import { ociLaunchTests } from "../oci/launch-tests.ts";
import { notRoot } from "../support/host-lacks.ts";

ociLaunchTests("self", notRoot());
