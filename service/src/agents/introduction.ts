import { plainText } from '#http'

/** Who says that an agent is called what it is called. */
export type NamedBy =
  /** An administrator, who wrote it down. */
  | { readonly kind: 'catalogue' }
  /** Whoever holds this host. `listed`: an administrator wrote the host down. */
  | { readonly kind: 'document'; readonly host: string; readonly listed: boolean }
  /** Nobody but itself. */
  | { readonly kind: 'registered' }

/** An agent as a person gets to see it. A name is a claim: what counts is who says it. */
export interface Introduction {
  readonly id: string
  /** In one line, safe to stand in a sentence. */
  readonly name: string
  readonly namedBy: NamedBy
}

const NAME_CHARACTERS_MAX = 60

/** Introduces an agent by its client id and its name; where there is nothing to be seen of the name, by its host or id. */
export function introduce(id: string, name: string | undefined, namedBy: NamedBy): Introduction {
  const shown = plainText(name ?? '', NAME_CHARACTERS_MAX)
  const otherwise = namedBy.kind === 'document' ? namedBy.host : id
  return { id, name: shown === '' ? plainText(otherwise, NAME_CHARACTERS_MAX) : shown, namedBy }
}
