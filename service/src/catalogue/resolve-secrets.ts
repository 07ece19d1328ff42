import { Fault, isObject, type Secret } from '#kernel'
import { isReference } from '#secrets'
import { isPasswordHash } from '#users'
import type { Draft } from './draft.ts'
import { isHeaderValue } from './header-name.ts'
import { type Path, type Problem, valueProblem } from './problem.ts'
import { isDatabaseUrl } from './secret-text.ts'

/** Fetches what a reference names. Throws (a Fault, with a sentence for the reader) when there is nothing. */
export type ResolveSecret = (reference: string) => Promise<Secret>

/** Asks for every reference once, at the same time, and says which lead to nothing usable. */
export async function resolveSecrets(
  draft: Draft,
  resolve: ResolveSecret,
): Promise<{ readonly secrets: ReadonlyMap<string, Secret>; readonly problems: readonly Problem[] }> {
  const uses = secretUses(draft).filter(({ text }) => isReference(text))
  const references = [...new Set(uses.map(({ text }) => text))]
  const answers = new Map(
    await Promise.all(
      references.map(async (reference) => [reference, await answerOf(reference, resolve)] as const),
    ),
  )
  const problems = uses.flatMap(({ path, text, of }) => {
    const answer = answers.get(text)
    const sentence = typeof answer === 'object' ? contentProblem(answer, of) : answer
    return sentence === undefined ? [] : [valueProblem(path, sentence)]
  })
  const secrets = [...answers].flatMap(([text, answer]) =>
    typeof answer === 'string' ? [] : [[text, answer] as const],
  )
  return { secrets: new Map(secrets), problems }
}

/** The secret, or the sentence that says why there is none. */
async function answerOf(reference: string, resolve: ResolveSecret): Promise<Secret | string> {
  try {
    return await resolve(reference)
  } catch (error) {
    const reason = error instanceof Fault ? error.message : 'It names nothing that can be read.'
    return `This reference does not resolve: ${reason}`
  }
}

function contentProblem(secret: Secret, of: SecretUse['of']): string | undefined {
  if (secret.reveal() === '') return 'This reference resolves to an empty value: store the secret there.'
  if (of === 'password' && !isPasswordHash(secret.reveal()))
    return 'This reference resolves to something that is not a password hash (scrypt:N:r:p:salt:hash): store there what `tetrapod hash-password` prints.'
  if (of === 'database' && !isDatabaseUrl(secret.reveal()))
    return 'This reference resolves to something that is not the URL of a PostgreSQL database: store postgres://user:password@host:5432/name there.'
  if (of === 'header' && !isHeaderValue(secret.reveal()))
    return 'This reference resolves to something that no request header can carry: store one line of ASCII there, without spaces around it.'
  return undefined
}

interface SecretUse {
  readonly path: Path
  readonly text: string
  /** What it must be when it is more than a text. */
  readonly of: 'client' | 'password' | 'database' | 'header'
}

function secretUses({ database, users, agents, servers, apis }: Draft): readonly SecretUse[] {
  return [
    ...use(['database'], database, 'database'),
    ...Object.entries(users).flatMap(([key, user]) =>
      use(['users', key, 'password'], user?.password, 'password'),
    ),
    ...Object.entries(agents).flatMap(([key, agent]) => use(['agents', key, 'secret'], agent?.secret)),
    ...Object.entries(servers).flatMap(([key, server]) =>
      use(['servers', key, 'client', 'secret'], server?.client?.secret),
    ),
    ...Object.entries(servers).flatMap(([key, server]) =>
      isObject(server?.credential)
        ? use(['servers', key, 'credential', 'value'], server.credential['value'], 'header')
        : [],
    ),
    ...Object.entries(apis).flatMap(([key, api]) =>
      use(['apis', key, 'client', 'secret'], api?.client?.secret),
    ),
  ]
}

function use(path: Path, text: unknown, of: SecretUse['of'] = 'client'): readonly SecretUse[] {
  return typeof text === 'string' ? [{ path, text, of }] : []
}
