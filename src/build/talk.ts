/** What a build tells while it works; the words are the peer's where it has some. */
export interface Talk {
  info(text: string): void;
  warning(text: string): void;
  verbose(text: string): void;
}
