import { isScopeToken, SIGNING_ALGORITHM, SIGNING_ALGORITHMS } from '@tetrapod/protocol'
import * as z from 'zod'
import { headerNameProblem } from './header-name.ts'
import { listenProblem } from './listen.ts'
import { passwordProblem, REFERENCE_FORMS, referenceProblem } from './secret-text.ts'
import { hostProblem, publicUrlProblem, redirectUriProblem, urlProblem } from './url.ts'

const SECONDS = 'Write a number of seconds here, at least 60.'
const text = z.string().regex(/\S/, 'Write a text here, or remove the key.')
const url = checkedText(urlProblem)
const secret = checkedText(referenceProblem)

const database = secret
  .optional()
  .describe(
    `The URL of a PostgreSQL database, by reference (${REFERENCE_FORMS}). Absent: SQLite in the data directory. Changing it needs a restart.`,
  )

const listen = checkedText(listenProblem)
  .optional()
  .describe(
    'Where Tetrapod itself listens, `host:port`, without TLS. Absent: as in `publicUrl`, which must then be http. `tetrapod start --listen` goes before it. Changing it needs a restart.',
  )
const tokens = z
  .strictObject({
    algorithm: z
      .enum(SIGNING_ALGORITHMS)
      .default(SIGNING_ALGORITHM)
      .describe(
        'What our tokens are signed with: `ES256` or `Ed25519`. Of keys made from now on: say `tetrapod keys rotate` after a change.',
      ),
  })
  .prefault({})
  .describe('The tokens that we issue.')

const key = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    'A name is a lower-case letter, then lower-case letters, digits and hyphens.',
  )
const username = z
  .string()
  .regex(/^[^\s\p{C}]{1,64}$/u, 'A user name has 1 to 64 characters, none of them a space.')
const scope = z.string().refine(isScopeToken, 'A scope has no spaces, quotes or backslashes (RFC 6749 §3.3).')
const tool = z
  .string()
  .regex(/^\S{1,256}$/, 'A tool name, or a pattern with *, has 1 to 256 characters and no space.')

const jwksUri = url
  .optional()
  .describe('Where its public keys are: it signs what it sends (private_key_jwt).')
const sharedSecret = secret
  .optional()
  .describe(`Instead of keys: a shared secret, by reference (${REFERENCE_FORMS}).`)

const client = z.strictObject({ jwks_uri: jwksUri, secret: sharedSecret }).optional()

const scopes = z.record(scope, text).default({})
const names = z
  .array(text)
  .min(1, 'An empty list matches nothing: name something, or remove the list.')
  .optional()

const linkedId = z
  .string()
  .regex(/^(?! )[^\p{C}]{1,255}(?<! )$/u, 'An id has 1 to 255 characters and no space at its ends.')
const user = z.strictObject({
  name: text.optional().describe('The name on pages. The user name, if absent.'),
  password: checkedText(passwordProblem).describe(
    'A password hash `scrypt:N:r:p:salt:hash`, as `tetrapod hash-password` prints it, or a reference to one.',
  ),
  groups: z.array(text).default([]).describe('What `groups` in policies match.'),
  linked: z
    .record(key, linkedId)
    .default({})
    .describe('Their id at other providers, by the name that `subject` of an API gives one.'),
})

const documentHost = checkedText(hostProblem)
const registration = z.strictObject({
  metadataDocuments: z
    .array(
      z.union([
        documentHost,
        z.strictObject({
          host: documentHost,
          private: z.boolean().default(false).describe('It may have an address of your own network.'),
        }),
      ]),
    )
    .optional()
    .describe(
      'Hosts whose metadata documents are accepted (with a port, if it is not 443); `*` for any. Absent: those of the clients we have tried (docs/registration.md). [] for none.',
    ),
  dynamic: z
    .boolean()
    .default(false)
    .describe(
      'Whether any agent may register itself. Policies permit such agents where `agents` says `dynamic`, and nowhere else.',
    ),
  statements: z
    .record(url, z.strictObject({ jwks_uri: url.describe('Where the issuer publishes its keys.') }))
    .default({})
    .describe('Whose software statements count, by issuer: an agent that shows one may register itself.'),
})

const agent = z.strictObject({
  name: text.optional().describe('The name on the consent page. The key, if absent.'),
  redirect_uris: z
    .array(checkedText(redirectUriProblem))
    .min(1, 'Name at least one redirect URI: without it no user can come back to the agent.')
    .optional()
    .describe(
      'Where users come back to: https, or http on this machine; compared character by character. Required, but for an agent with `exchange` that only other agents hand to.',
    ),
  jwks_uri: jwksUri,
  secret: sharedSecret,
  exchange: z
    .boolean()
    .default(false)
    .describe(
      'Whether it may exchange tokens: to hand part of what it may do to a sub-agent, or to act as one.',
    ),
  delegates: z
    .array(key)
    .default([])
    .describe(
      'The sub-agents it may hand to, by key. Each needs `exchange`, and so does it. Consent names them.',
    ),
})

const internal = (who: string) =>
  z
    .boolean()
    .default(false)
    .describe(`Whether it is inside our trust domain: ${who} (docs/transaction-tokens.md).`)

const upstreamCredential = z
  .union([
    z.enum(['token_exchange', 'none']),
    z.strictObject({
      pattern: z.literal('pre_injected'),
      header: checkedText(headerNameProblem)
        .default('authorization')
        .describe('The request header that carries it.'),
      value: secret.describe(`What is sent, as it is, by reference (${REFERENCE_FORMS}).`),
    }),
  ])
  .default('token_exchange')
  .describe(
    'What the gateway calls it with. `token_exchange`: a token of ours for this caller and call. `none`: nothing. `{ pattern: pre_injected, header, value }`: a value of yours, the same for everybody, by reference; `header` is `authorization` if absent.',
  )

const server = z.strictObject({
  name: text.optional().describe('The name on the consent page. The key, if absent.'),
  url: url.describe(
    'Where the gateway calls it, and the audience of the token it gets. Agents use `{publicUrl}/{key}/mcp`.',
  ),
  internal: internal('the gateway tells it in a transaction token who the user is and who acts'),
  credential: upstreamCredential,
  client: client.describe(
    'How it proves itself when it asks for the next token or follows the revocation feed. Absent: it does neither.',
  ),
  scopes: scopes.describe('Its scopes, each in words for the consent page.'),
  calls: z
    .record(key, z.record(scope, z.array(scope)))
    .default({})
    .describe('Per API: what each scope held here lets the server ask for there.'),
  tools: z
    .record(tool, z.strictObject({ scopes: z.array(scope).describe('All of them are needed.') }))
    .default({})
    .describe('What each tool needs, by its name or a pattern with `*`.'),
})

const authentication = z
  .strictObject({
    max_age: z
      .int(SECONDS)
      .min(60, SECONDS)
      .optional()
      .describe('At most so many seconds ago, when the token ends: it never lives longer.'),
    acr_values: z
      .array(z.string().regex(/^[\x21-\x7e]+$/, 'An acr value has no space.'))
      .min(1, 'An empty list asks for nothing: name something, or remove the list.')
      .optional()
      .describe('In one of these ways: what `acr` of a token says of the sign-in.'),
  })
  .refine(
    ({ max_age, acr_values }) => (max_age ?? acr_values) !== undefined,
    'Say `max_age`, `acr_values` or both, or remove it.',
  )
  .optional()

const api = z.strictObject({
  name: text.optional().describe('The name on the consent page. The key, if absent.'),
  resource: url.describe('Its resource identifier, and the audience of the token it gets.'),
  internal: internal('a transaction token comes with its token'),
  client: client.describe(
    'How it proves itself when it follows the revocation feed. Absent: a token it got holds until it expires.',
  ),
  scopes: scopes.describe('Its scopes, each in words for the consent page.'),
  subject: key
    .optional()
    .describe(
      'The name of a provider: tokens carry the user’s id there in `sub`, for an API that reads `sub` alone. Who has none there gets no token. Absent: our own account id.',
    ),
  authentication: authentication.describe(
    'How the user must have signed in, and how recently. Absent: any sign-in will do.',
  ),
})

const terms = z.strictObject({
  users: names.describe('User names or account ids.'),
  groups: names.describe('Groups; one of them is enough.'),
  agents: names.describe(
    'Agents, by key or by the address of their metadata document; `dynamic` for all that registered themselves. A permit wants every agent of the chain among them, a forbid any.',
  ),
  servers: names.describe('The server called; with `apis`, the server that asks.'),
  tools: names.describe('Tools called; `*` stands for any run of characters. Not together with `apis`.'),
  apis: names.describe(
    'APIs a token is asked for. A permit with `apis` is about that alone, one without about calls alone.',
  ),
})

/** The shape of `tetrapod.yaml`. What several places must agree on is checked beside it. */
export const catalogueSchema = z.strictObject({
  publicUrl: checkedText(publicUrlProblem).describe(
    'Where people and agents reach Tetrapod: an origin, without a path. https, where TLS ends at a proxy in front; http on this machine alone.',
  ),
  listen,
  database,
  tokens,
  users: z.record(username, user).default({}).describe('Built-in users, for a first look.'),
  registration: registration.prefault({}).describe('Agents that name themselves.'),
  agents: z.record(key, agent).default({}).describe('The agents we name. The key is the client id.'),
  servers: z
    .record(key, server)
    .default({})
    .describe('The MCP servers behind the gateway. The key is the client id.'),
  apis: z.record(key, api).default({}).describe('What MCP servers call.'),
  policies: z
    .array(
      z.strictObject({
        permit: terms
          .optional()
          .describe('Permits what all its lists match. What no rule permits is denied.'),
        forbid: terms.optional().describe('Forbids what all its lists match, whatever is permitted.'),
      }),
    )
    .default([])
    .describe('The rules. A list that is absent matches anything.'),
})

export type CatalogueInput = z.output<typeof catalogueSchema>

/** A text with a check that says what is wrong. */
function checkedText(problem: (text: string) => string | undefined) {
  return z.string().superRefine((text, context) => {
    const message = problem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}
