const SOCKETCALLS =
  "socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom " +
  "shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg";

const IPC: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/** A door to many calls, and the number of one of them: the first argument. */
export type Door = readonly [name: "socketcall" | "ipc", call: number];

/**
 * System calls that 32-bit x86 programs may also make through one of two doors
 * (include/uapi/linux/net.h, ipc.h).
 */
export const MULTIPLEXED: ReadonlyMap<string, Door> = new Map<string, Door>([
  ...SOCKETCALLS.split(" ").map((name, at): [string, Door] => [name, ["socketcall", at + 1]]),
  ...Object.entries(IPC).map(([name, call]): [string, Door] => [name, ["ipc", call]]),
]);
