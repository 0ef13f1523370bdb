/** One line to be written to a file of the container's control group. */
export interface LimitSetting {
  /** Controller whose group the file is in: "memory", "cpu"; "" for files that every group of version 2 has. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** What is limited, for messages: "memory to 104857600 bytes". */
  readonly what: string;
}
