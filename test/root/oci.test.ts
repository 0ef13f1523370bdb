import { lifecycleTests } from "../oci/lifecycle-tests.ts";
import { notRoot } from "../support/host-lacks.ts";

lifecycleTests("self", notRoot());
