import { confirms, type Question } from "./registry/http/question.ts";

/**
 * What a child of the launcher does (launcher/address.c): whether an address still means the image that it
 * meant, as exit status 0. Says nothing; on any other status the launch is planned as if it were new.
 */
export async function askRegistry(question: string): Promise<number> {
  try {
    const isSame = await confirms(JSON.parse(question) as Question, Bun.env as Environment);
    return isSame ? 0 : 1;
  } catch {
    return 1;
  }
}

type Environment = Readonly<Record<string, string>>;
