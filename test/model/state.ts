import { API, type Company, companyWithout, type Piece } from './company.ts'

export interface Session {
  readonly user: string
  readonly authTime: number
  /** Not known before a token says it. */
  id?: string
  isOut: boolean
}

interface Part {
  readonly scopes: ReadonlySet<string>
  /** `crm.read payroll.read` */
  readonly calls: ReadonlySet<string>
  /** `planner researcher` */
  readonly delegates: ReadonlySet<string>
  readonly since: number
  readonly until: number
}

export interface Grant {
  readonly user: string
  readonly agent: string
  id?: string
  isRevoked: boolean
  parts: Readonly<Record<string, Part>>
}

export interface Login {
  readonly grant: Grant
  readonly session: Session
  readonly agent: string
  readonly server: string
  readonly scopes: ReadonlySet<string>
  readonly beganAt: number
  family?: string
  /** Gives no token any more. */
  isOver: boolean
  /** And those that are out end with it, for good. */
  isKilled: boolean
  readonly refreshTokens: RefreshToken[]
}

export interface RefreshToken {
  readonly value: string
  readonly expiresAt: number
  usedAt?: number
  next?: string
}

/** What a token says of itself, as it must be. */
export interface Said {
  readonly login: Login
  readonly parent?: Token
  readonly audience: string
  readonly client: string
  /** Outermost first. */
  readonly chain: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly iat: number
  readonly exp: number
  /** The mount that it was handed over for. */
  readonly res?: string
}

export interface Token extends Said {
  readonly jwt: string
  readonly jti: string
  readonly txn: string
  /** The key that signed it. */
  readonly key: string
  isRevoked: boolean
}

/** What comes back under its name: it ends what was issued before, and a little after. */
export interface End {
  readonly kind: 'user' | 'agent' | 'server' | 'edge'
  readonly id: string
  readonly at: number
}

export interface Model {
  readonly publicUrl: string
  readonly urls: Readonly<Record<string, string>>
  now: number
  readonly out: Set<Piece>
  company: Company
  readonly disabled: Set<string>
  /** The session of each user's browser. */
  readonly browsers: Map<string, Session>
  readonly grants: Grant[]
  readonly logins: Login[]
  readonly tokens: Token[]
  readonly ends: End[]
  readonly endedKeys: Set<string>
  /** The `sub` of each user. */
  readonly accounts: Map<string, string>
  /** How often each thing happened: a model that is never asked finds nothing. */
  readonly seen: Map<string, number>
}

export function createModel(at: Pick<Model, 'publicUrl' | 'urls' | 'now'>): Model {
  return {
    ...at,
    out: new Set(),
    company: companyWithout(new Set()),
    disabled: new Set(),
    browsers: new Map(),
    grants: [],
    logins: [],
    tokens: [],
    ends: [],
    endedKeys: new Set(),
    accounts: new Map(),
    seen: new Map(),
  }
}

export const seconds = (m: Model) => Math.floor(m.now / 1000)
export const mount = (m: Pick<Model, 'publicUrl'>, server: string) => `${m.publicUrl}/${server}/mcp`
export const isAgent = (m: Model, key: string) => Object.hasOwn(m.company.agents, key)
export const isServer = (m: Model, key: string) => Object.hasOwn(m.company.servers, key)
export const serverAt = (m: Model, address: string) =>
  Object.keys(m.company.servers).find((key) => mount(m, key) === address)
export const partOf = (m: Model, grant: Grant, server: string): Part | undefined => {
  const part = grant.parts[server]
  return grant.isRevoked || part === undefined || part.until <= m.now ? undefined : part
}
export const isAlive = (m: Model, grant: Grant) =>
  Object.keys(grant.parts).some((it) => partOf(m, grant, it) !== undefined)
/** Whether this party can say who it is. */
export const isKnown = (m: Model, client: string) =>
  isServer(m, client) ||
  (isAgent(m, client) && !m.disabled.has(client)) ||
  (client === API && m.company.hasApi)
export const keptBy = (m: Model, { grant, server }: Login, scopes: Iterable<string>) => {
  const held = partOf(m, grant, server)?.scopes
  return new Set([...scopes].filter((scope) => held?.has(scope)))
}

/** A refusal with one of these codes, or a token that says this. */
export type Expected = { readonly error: string } | { readonly token: Said }
export const refused = (error: string) => ({ error })
