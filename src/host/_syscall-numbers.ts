/** Numbers of the system calls in use, per architecture (kernel: arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h). */
export interface SyscallNumbers {
  readonly read: number;
  readonly write: number;
  readonly pread64: number;
  readonly pwrite64: number;
  readonly openat: number;
  readonly close: number;
  readonly statx: number;
  readonly readlinkat: number;
  readonly getdents64: number;
  readonly faccessat: number;
  readonly mkdirat: number;
  readonly unlinkat: number;
  readonly linkat: number;
  readonly renameat2: number;
  readonly lgetxattr: number;
  readonly lsetxattr: number;
  readonly lremovexattr: number;
  readonly llistxattr: number;
  readonly flock: number;
  readonly ftruncate: number;
  readonly fallocate: number;
  readonly fsync: number;
  readonly fcntl: number;
  readonly ioctl: number;
  readonly memfdCreate: number;
  readonly pipe2: number;
  readonly getcwd: number;
  readonly uname: number;
  readonly umask: number;
  readonly getuid: number;
  readonly geteuid: number;
  readonly getgid: number;
  readonly getegid: number;
  readonly getgroups: number;
  readonly execve: number;
  readonly prlimit64: number;
  readonly socket: number;
  readonly connect: number;
  readonly shutdown: number;
  readonly processVmReadv: number;
  readonly mount: number;
  readonly umount2: number;
  readonly pidfdOpen: number;
  readonly pidfdSendSignal: number;
  /** Open flags that differ between the two. */
  readonly O_DIRECTORY: number;
  readonly O_NOFOLLOW: number;
}

const X64: SyscallNumbers = {
  read: 0,
  write: 1,
  pread64: 17,
  pwrite64: 18,
  openat: 257,
  close: 3,
  statx: 332,
  readlinkat: 267,
  getdents64: 217,
  faccessat: 269,
  mkdirat: 258,
  unlinkat: 263,
  linkat: 265,
  renameat2: 316,
  lgetxattr: 192,
  lsetxattr: 189,
  lremovexattr: 198,
  llistxattr: 195,
  flock: 73,
  ftruncate: 77,
  fallocate: 285,
  fsync: 74,
  fcntl: 72,
  ioctl: 16,
  memfdCreate: 319,
  pipe2: 293,
  getcwd: 79,
  uname: 63,
  umask: 95,
  getuid: 102,
  geteuid: 107,
  getgid: 104,
  getegid: 108,
  getgroups: 115,
  execve: 59,
  prlimit64: 302,
  socket: 41,
  connect: 42,
  shutdown: 48,
  processVmReadv: 310,
  mount: 165,
  umount2: 166,
  pidfdOpen: 434,
  pidfdSendSignal: 424,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
};

const ARM64: SyscallNumbers = {
  read: 63,
  write: 64,
  pread64: 67,
  pwrite64: 68,
  openat: 56,
  close: 57,
  statx: 291,
  readlinkat: 78,
  getdents64: 61,
  faccessat: 48,
  mkdirat: 34,
  unlinkat: 35,
  linkat: 37,
  renameat2: 276,
  lgetxattr: 9,
  lsetxattr: 6,
  lremovexattr: 15,
  llistxattr: 12,
  flock: 32,
  ftruncate: 46,
  fallocate: 47,
  fsync: 82,
  fcntl: 25,
  ioctl: 29,
  memfdCreate: 279,
  pipe2: 59,
  getcwd: 17,
  uname: 160,
  umask: 166,
  getuid: 174,
  geteuid: 175,
  getgid: 176,
  getegid: 177,
  getgroups: 158,
  execve: 221,
  prlimit64: 261,
  socket: 198,
  connect: 203,
  shutdown: 210,
  processVmReadv: 270,
  mount: 40,
  umount2: 39,
  pidfdOpen: 434,
  pidfdSendSignal: 424,
  O_DIRECTORY: 0o40000,
  O_NOFOLLOW: 0o100000,
};

/** The table of this machine; `arch` is process.arch. */
export function syscallNumbers(arch: string): SyscallNumbers {
  return arch === "arm64" ? ARM64 : X64;
}
