import { z } from 'zod'
import { isObject } from '#kernel'
import { authentication } from './authentication-method.ts'
import { fault } from './faults.ts'
import { isNativeRedirect, redirectUriProblem } from './redirect-uris.ts'

/** What an agent that named itself may say of itself (RFC 7591 §2), in the standard's own words. All else is left out. */
export type ClientMetadata = Readonly<z.output<typeof clientMetadata>>

export const clientMetadata = z.object({
  client_id: z.string().optional(),
  client_name: z.string().optional(),
  client_uri: z.string().optional(),
  redirect_uris: z.array(z.string()),
  application_type: z.enum(['native', 'web']),
  grant_types: z.array(z.string()),
  response_types: z.array(z.string()),
  response_modes: z.array(z.string()),
  token_endpoint_auth_method: z.string(),
  token_endpoint_auth_signing_alg: z.string().optional(),
  client_secret: z.string().optional(),
  client_secret_expires_at: z.number().optional(),
  client_id_issued_at: z.number().optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  jwks_uri: z.string().optional(),
  software_id: z.string().optional(),
  software_version: z.string().optional(),
  software_statement: z.string().optional(),
})

const REDIRECT_URIS_MAX = 16
const NAME_CHARACTERS_MAX = 100
const URI_LENGTH_MAX = 512

/** What an agent can have: a code, and its refreshes. */
const OFFERED = ['authorization_code', 'refresh_token']
/** What no agent that named itself ever has (DESIGN §7): asking for it is refused, so that nobody believes to have it. */
const PRIVILEGED: ReadonlySet<string> = new Set([
  'client_credentials',
  'implicit',
  'password',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:saml2-bearer',
])

/**
 * Reads what an agent says of itself: what it may have is kept, what we do not know is left out (RFC 7591 §3.2.1), and
 * the application type is what its redirect URIs say. `document`: what nobody here can have is left out as well, since a
 * document is written for every authorization server there is.
 *
 * Throws `agents.redirect_uri_refused`, `agents.metadata_refused`, whose data says what is wrong.
 */
export function parseClientMetadata(
  value: unknown,
  source: 'registration' | 'document',
): Omit<ClientMetadata, 'client_id'> {
  if (!isObject(value)) throw refused('It is a JSON object.')
  const said = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
  const redirect_uris = redirectUris(said['redirect_uris'])
  checkCodeFlow(said['response_types'])
  return {
    ...described(said),
    redirect_uris,
    application_type: redirect_uris.some(isNativeRedirect) ? 'native' : 'web',
    grant_types: grantTypes(said['grant_types'], source),
    response_types: ['code'],
    // The others put the code where scripts and other pages find it.
    response_modes: ['query'],
    ...authentication(said, source, refused),
  }
}

function redirectUris(value: unknown): string[] {
  const parsed = z.array(z.string()).min(1).max(REDIRECT_URIS_MAX).safeParse(value)
  const problem = parsed.success
    ? parsed.data.map(redirectUriProblem).find((it) => it !== undefined)
    : `Name 1 to ${REDIRECT_URIS_MAX} redirect_uris.`
  if (!parsed.success || problem !== undefined)
    throw fault.redirect_uri_refused({ data: { reason: problem ?? '' } })
  return [...new Set(parsed.data)]
}

function grantTypes(value: unknown, source: 'registration' | 'document'): string[] {
  if (value === undefined) return [...OFFERED]
  const asked = z.array(z.string()).max(32).safeParse(value)
  if (!asked.success) throw refused('grant_types is a list of texts.')
  if (source === 'registration' && asked.data.some((type) => PRIVILEGED.has(type)))
    throw refused(
      'An agent that registers itself has authorization_code and refresh_token, and nothing else.',
    )
  if (!asked.data.includes('authorization_code')) throw refused('grant_types holds authorization_code.')
  return OFFERED.filter((type) => asked.data.includes(type))
}

function checkCodeFlow(value: unknown): void {
  if (value === undefined) return
  const types = z.array(z.string()).max(32).safeParse(value)
  if (!types.success || !types.data.includes('code')) throw refused('response_types holds code.')
}

/** Texts for people and machines to know it by. None of them is an identity; what is no plain text is left out. */
function described(said: Readonly<Record<string, unknown>>) {
  const name = plainText(said['client_name'], NAME_CHARACTERS_MAX)
  const uri = plainText(said['client_uri'], URI_LENGTH_MAX)
  const id = plainText(said['software_id'], NAME_CHARACTERS_MAX)
  const version = plainText(said['software_version'], NAME_CHARACTERS_MAX)
  return {
    ...(name === undefined ? {} : { client_name: name }),
    ...(uri === undefined || !/^https?:\/\/[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)
      ? {}
      : { client_uri: uri }),
    ...(id === undefined ? {} : { software_id: id }),
    ...(version === undefined ? {} : { software_version: version }),
  }
}

/** Without what turns the direction of a line, hides or stacks characters: what is left looks like what it is. */
function plainText(value: unknown, charactersMax: number): string | undefined {
  if (typeof value !== 'string') return undefined
  const visible = value
    .normalize('NFKC')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/\p{M}{2,}/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return visible === '' ? undefined : Array.from(visible).slice(0, charactersMax).join('')
}

function refused(reason: string) {
  return fault.metadata_refused({ data: { reason } })
}
