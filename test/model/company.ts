/** All that an edit of the catalogue can take out, and put back. */
export const PIECES = [
  'user bob',
  'agent planner',
  'agent researcher',
  'agent fetcher',
  'agent solo',
  'server crm',
  'server notes',
  'api payroll',
  'scope crm.write',
  'call crm.read',
  'call crm.write',
  'call notes.read',
  'delegate researcher',
  'delegate fetcher',
  'permit crm',
  'permit notes',
  'permit payroll',
  'leave researcher',
] as const
export type Piece = (typeof PIECES)[number]

export const USERS = ['alice', 'bob'] as const
export const LOGIN_AGENTS = ['planner', 'solo'] as const
export const AGENTS = ['planner', 'researcher', 'fetcher', 'solo'] as const
export const SERVERS = ['crm', 'notes'] as const
/** Every party that can say who it is at the token endpoint. */
export const CLIENTS = [...AGENTS, ...SERVERS] as const
export const API = 'payroll'

/** Where everybody is. */
export interface Addresses {
  readonly publicUrl: string
  readonly upstream: string
}
export const mountOf = ({ publicUrl }: Pick<Addresses, 'publicUrl'>, server: string) =>
  `${publicUrl}/${server}/mcp`
export const urlOf = ({ upstream }: Pick<Addresses, 'upstream'>, server: string) => `${upstream}/${server}`
/** How old a sign-in may be for the API, in seconds. */
export const MAX_AGE_SECONDS = 3000
export const RESOURCE = 'http://127.0.0.1:1/payroll'
export const REDIRECT_URI = 'http://127.0.0.1:1/callback'

interface ServerPart {
  readonly scopes: readonly string[]
  /** Which scopes a tool needs. */
  readonly tools: Readonly<Record<string, readonly string[]>>
  /** Which scopes of the API each of its own leads to. */
  readonly calls: Readonly<Record<string, readonly string[]>>
}

/** What a catalogue says, in the words of the model. */
export interface Company {
  readonly users: readonly string[]
  /** Whom each agent hands to. */
  readonly agents: Readonly<Record<string, readonly string[]>>
  readonly servers: Readonly<Record<string, ServerPart>>
  readonly hasApi: boolean
  readonly permitted: readonly string[]
  /** Agents that may not be anywhere in a chain at crm. */
  readonly forbidden: readonly string[]
}

/** The company without these pieces, and without what would then refer to nothing. */
export function companyWithout(out: ReadonlySet<Piece>): Company {
  const has = (piece: Piece) => !out.has(piece)
  const named = <T>(all: Readonly<Record<string, T>>, kind: 'agent' | 'server') =>
    Object.fromEntries(Object.entries(all).filter(([key]) => !out.has(`${kind} ${key}` as Piece)))
  const agents = named(
    {
      planner: has('delegate researcher') && has('agent researcher') ? ['researcher'] : [],
      researcher: has('delegate fetcher') && has('agent fetcher') ? ['fetcher'] : [],
      fetcher: [],
      solo: [],
    },
    'agent',
  )
  const hasApi = has('api payroll')
  const writes = has('scope crm.write')
  const servers = named<ServerPart>(
    {
      crm: {
        scopes: ['crm.read', ...(writes ? ['crm.write'] : [])],
        tools: { find: ['crm.read'], ...(writes ? { remove: ['crm.write'] } : {}) },
        calls: {
          ...(hasApi && has('call crm.read') ? { 'crm.read': ['payroll.read'] } : {}),
          ...(hasApi && writes && has('call crm.write') ? { 'crm.write': ['payroll.pay'] } : {}),
        },
      },
      notes: {
        scopes: ['notes.read'],
        tools: { echo: ['notes.read'] },
        calls: hasApi && has('call notes.read') ? { 'notes.read': ['payroll.read'] } : {},
      },
    },
    'server',
  )
  return {
    users: USERS.filter((user) => user === 'alice' || has('user bob')),
    agents,
    servers,
    hasApi,
    permitted: [
      ...SERVERS.filter((server) => Object.hasOwn(servers, server) && has(`permit ${server}`)),
      ...(hasApi && has('permit payroll') ? [API] : []),
    ],
    forbidden: has('leave researcher') || !Object.hasOwn(agents, 'researcher') ? [] : ['researcher'],
  }
}

/** The same as a configuration: JSON is YAML. */
export function written(company: Company, at: Addresses, hashes: Readonly<Record<string, string>>): string {
  const secret = 'env:SECRET'
  const { permitted, forbidden } = company
  const servers = Object.entries(company.servers)
  const keys = servers.map(([key]) => key)
  const permits = keys.filter((key) => permitted.includes(key))
  return JSON.stringify({
    publicUrl: at.publicUrl,
    users: Object.fromEntries(company.users.map((user) => [user, { name: user, password: hashes[user] }])),
    agents: Object.fromEntries(
      Object.entries(company.agents).map(([key, delegates]) => [
        key,
        {
          secret,
          ...(LOGIN_AGENTS.some((it) => it === key) ? { redirect_uris: [REDIRECT_URI] } : {}),
          ...(key === 'solo' ? {} : { exchange: true }),
          ...(delegates.length === 0 ? {} : { delegates }),
        },
      ]),
    ),
    servers: Object.fromEntries(
      servers.map(([key, { scopes, tools, calls }]) => [
        key,
        {
          url: urlOf(at, key),
          client: { secret },
          scopes: Object.fromEntries(scopes.map((scope) => [scope, scope])),
          tools: Object.fromEntries(
            Object.entries(tools).map(([tool, needed]) => [tool, { scopes: needed }]),
          ),
          ...(Object.keys(calls).length === 0 ? {} : { calls: { [API]: calls } }),
        },
      ]),
    ),
    apis: {
      // Nobody calls it: it follows the feed whatever is edited.
      archive: { resource: `${RESOURCE}/archive`, client: { secret }, scopes: { 'archive.read': 'Read' } },
      ...(company.hasApi
        ? {
            [API]: {
              resource: RESOURCE,
              authentication: { max_age: MAX_AGE_SECONDS },
              client: { secret },
              scopes: { 'payroll.read': 'Read', 'payroll.pay': 'Pay' },
            },
          }
        : {}),
    },
    policies: [
      ...permits.map((key) => ({ permit: { servers: [key] } })),
      ...(permitted.includes(API) && keys.length > 0 ? [{ permit: { servers: keys, apis: [API] } }] : []),
      ...(forbidden.length > 0 && keys.includes('crm')
        ? [{ forbid: { agents: forbidden, servers: ['crm'] } }]
        : []),
    ],
  })
}
