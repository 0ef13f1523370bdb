import { ociLaunchTests } from "./launch-tests.ts";

ociLaunchTests("user", undefined);
