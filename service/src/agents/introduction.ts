import { plainText } from '#http'

/** An agent as a person gets to see it. A name is a claim: what counts is who says it. */
export interface Introduction {
  readonly id: string
  /** In one line, safe to stand in a sentence. */
  readonly name: string
  /** Who gave it its name: an administrator of ours; whoever holds this host; nobody but itself. */
  readonly namedBy: 'administrator' | 'itself' | { readonly host: string }
}

const NAME_CHARACTERS_MAX = 60

/** Introduces an agent by its client id: by the name it was given, or else by what it calls itself. */
export function introduce(
  id: string,
  { given, claimed }: { readonly given: string | undefined; readonly claimed?: string | undefined },
): Introduction {
  const host = id.startsWith('https://') ? URL.parse(id)?.host : undefined
  const name = plainText(given ?? claimed ?? '', NAME_CHARACTERS_MAX)
  return {
    id,
    name: name === '' ? plainText(host ?? id, NAME_CHARACTERS_MAX) : name,
    namedBy: given === undefined ? namer(host) : 'administrator',
  }
}

function namer(host: string | undefined): Introduction['namedBy'] {
  return host === undefined ? 'itself' : { host }
}
