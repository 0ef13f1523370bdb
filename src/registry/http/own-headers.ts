/** Headers of every request. */
export const OWN_HEADERS: Readonly<Record<string, string>> = {
  "user-agent": "skiff/0.1",
  "accept-encoding": "identity",
};
