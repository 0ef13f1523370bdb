import { lifecycleTests } from "./lifecycle-tests.ts";

lifecycleTests("user", undefined);
