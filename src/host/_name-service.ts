import { CString, dlopen, type Pointer, ptr, read } from "bun:ffi";
import type { Account } from "../plan/facts.ts";
import { NAME_SERVICE, notePath } from "./launch-trace.ts";

/*
 * Accounts that are in no file (LDAP, SSSD, systemd-userdb), through the C library's name service.
 * Calling it costs about 0.1 ms for the dlopen and what the services take; getent(1) would cost a
 * process. On 64-bit glibc and musl alike:
 *
 *   struct passwd   0 name*   8 password*   16 uid u32   20 gid u32   24 gecos*   32 dir*   40 shell*
 *   struct group    0 name*   8 password*   16 gid u32   24 members**
 */

const ERANGE = 34;

type Lookup = (
  key: number | Pointer,
  record: Pointer,
  buffer: Pointer,
  size: number,
  result: Pointer,
) => number;

function open(): Readonly<Record<"getpwuid_r" | "getpwnam_r" | "getgrgid_r", Lookup>> {
  const byId = {
    args: ["u32", "ptr", "ptr", "u64", "ptr"],
    returns: "i32",
  } as const;
  const byName = {
    args: ["ptr", "ptr", "ptr", "u64", "ptr"],
    returns: "i32",
  } as const;
  const { symbols } = dlopen("libc.so.6", {
    getpwuid_r: byId,
    getpwnam_r: byName,
    getgrgid_r: byId,
  });
  // The three share one shape; the key's type is that of the symbol each caller picks.
  return symbols as unknown as ReturnType<typeof open>;
}

let library: ReturnType<typeof open> | undefined;

/** Account of a uid or a name as the name service knows it; undefined when it does not. */
export function askAccount(key: number | string): Account | undefined {
  library ??= open();
  const name = typeof key === "string" ? new TextEncoder().encode(`${key}\0`) : undefined;
  const record =
    name === undefined
      ? ask(library.getpwuid_r, key as number)
      : ask(library.getpwnam_r, ptr(name));
  if (record === undefined) return undefined;
  return {
    name: record.text(0),
    uid: record.id(16),
    gid: record.id(20),
    gecos: record.text(24),
    home: record.text(32),
    shell: record.text(40),
  };
}

/** Name of a group as the name service knows it. */
export function askGroupName(gid: number): string | undefined {
  library ??= open();
  return ask(library.getgrgid_r, gid)?.text(0);
}

interface Entry {
  readonly text: (offset: number) => string;
  readonly id: (offset: number) => number;
}

function ask(lookup: Lookup, key: number | Pointer): Entry | undefined {
  notePath(NAME_SERVICE, "look");
  const record = new Uint8Array(new ArrayBuffer(64));
  const result = new Uint8Array(new ArrayBuffer(8));
  // The texts lie in `buffer`; a group with thousands of members needs a large one.
  for (let size = 4096; size <= 16 * 1024 * 1024; size *= 4) {
    const buffer = new Uint8Array(new ArrayBuffer(size));
    const errno = lookup(key, ptr(record), ptr(buffer), size, ptr(result));
    if (errno === ERANGE) continue;
    if (errno !== 0 || read.ptr(ptr(result), 0) === 0) return undefined;
    const at = ptr(record);
    const pinned = buffer;
    return {
      text: (offset) => {
        const address = read.ptr(at, offset);
        // `pinned` is named so that the memory behind the address outlives the lookup.
        return address === 0 || pinned.length === 0
          ? ""
          : new CString(address as Pointer).toString();
      },
      id: (offset) => read.u32(at, offset),
    };
  }
  return undefined;
}
