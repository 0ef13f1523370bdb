import { expect, test } from "bun:test";
import { proxyFor } from "./_proxy.ts";

const P = "http://proxy.example.org:3128";

test.each([
  ["https://registry.example.org/v2/", { HTTPS_PROXY: P }, P],
  ["https://registry.example.org/v2/", { https_proxy: P, HTTPS_PROXY: "http://other" }, P],
  ["https://registry.example.org/v2/", { HTTPS_PROXY: "proxy.example.org:3128" }, P],
  ["https://registry.example.org/v2/", { HTTP_PROXY: P }, undefined],
  ["http://registry.example.org/v2/", { HTTP_PROXY: P }, P],
  ["http://registry.example.org/v2/", { ALL_PROXY: P }, P],
  ["https://registry.example.org/", { HTTPS_PROXY: P, NO_PROXY: "*" }, undefined],
  ["https://registry.example.org/", { HTTPS_PROXY: P, NO_PROXY: "a, example.org" }, undefined],
  ["https://registry.example.org/", { HTTPS_PROXY: P, NO_PROXY: ".example.org" }, undefined],
  ["https://registry.example.org/", { HTTPS_PROXY: P, NO_PROXY: "*.example.org" }, undefined],
  ["https://example.org/", { HTTPS_PROXY: P, NO_PROXY: ".example.org" }, P],
  ["https://notexample.org/", { HTTPS_PROXY: P, NO_PROXY: "example.org" }, P],
  ["https://r.example.org:5000/", { HTTPS_PROXY: P, NO_PROXY: "r.example.org:5000" }, undefined],
  ["https://r.example.org:5001/", { HTTPS_PROXY: P, NO_PROXY: "r.example.org:5000" }, P],
  ["https://r.example.org/", { HTTPS_PROXY: P, NO_PROXY: "r.example.org:443" }, undefined],
  ["https://10.1.2.3/", { HTTPS_PROXY: P, NO_PROXY: "10.0.0.0/8" }, undefined],
  ["https://11.1.2.3/", { HTTPS_PROXY: P, NO_PROXY: "10.0.0.0/8" }, P],
  ["http://127.0.0.1:5000/", { HTTP_PROXY: P }, undefined],
  ["http://localhost:5000/", { HTTP_PROXY: P }, undefined],
  ["http://[::1]:5000/", { HTTP_PROXY: P }, undefined],
])("proxyFor(%s) with %j is %s", (url, env, proxy) => {
  expect(proxyFor(new URL(url), env as Record<string, string>)).toBe(proxy as never);
});
