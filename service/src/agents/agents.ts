import { decodeJwt } from 'jose'
import { type Clock, hashed, type JsonObject } from '#kernel'
import type { Revocation } from '#revocation'
import type { Agent, AgentKind, NamedAgent, Standing } from './agent.ts'
import type { AgentRow, AgentStore } from './agent-store.ts'
import { type ClientMetadata, clientMetadata } from './client-metadata.ts'
import { type DocumentHost, hostStanding } from './document-hosts.ts'
import { documentUrl, isDocumentId } from './document-id.ts'
import type { Documents } from './documents.ts'
import { fault } from './faults.ts'
import { introduce, type Introduction } from './introduction.ts'
import { createMemory } from './memory.ts'

/** No more registrations are kept, so that nobody fills the disk with them. */
const REGISTRATIONS_MAX = 10_000
const HOUR_MS = 3600_000
/** Nobody ever agreed to anything for it: the person who added the server went away. */
const UNUSED_MS = 7 * 24 * HOUR_MS
/** Longer than a consent lasts: nothing of it is alive. */
const IDLE_MS = 90 * 24 * HOUR_MS

/** An agent as operators see it. Times in milliseconds. */
export interface ListedAgent {
  readonly id: string
  readonly kind: AgentKind
  /** What it is called by the catalogue, or calls itself. */
  readonly name: string
  readonly createdAt: number | undefined
  readonly usedAt: number | undefined
  readonly disabledAt: number | undefined
}

/** The agents that take part, whoever named them: the one place that knows every kind. */
export interface Agents {
  /** How an agent stands, without asking anybody; undefined: nobody knows it (any more). */
  standing(id: string): Promise<Standing | undefined>
  /**
   * Who the agent is; its metadata document is fetched where what we have is too old. Undefined for an id of nobody. Throws
   * `agents.disabled`, `.host_not_listed`, `.document_id_malformed`, `.document_unreachable`, `.document_refused`.
   */
  find(id: string): Promise<Agent | undefined>
  /** Whether it may exchange tokens. One that named itself never does. */
  exchanges(id: string): boolean
  /** Whom it may hand part of what it has to, as the catalogue says: the keys of its own sub-agents, not of theirs. */
  delegatesOf(id: string): readonly string[]
  /** An agent as a person gets to see it; `claimed` is what it calls itself. */
  introduce(id: string, claimed?: string): Promise<Introduction>
  /** Notes that a user agreed to something for it. Throws `agents.unknown` for a registration that is gone. */
  used(id: string, name: string): Promise<void>
  /** Keeps a registration, new or changed. Throws `agents.registrations_full`. */
  register(id: string, metadata: ClientMetadata): Promise<'registered' | 'changed'>
  /** Forgets a registration, at once: tokens that are out end with it. True where a user had agreed to something for it. */
  deregister(id: string): Promise<boolean>
  /** RFC 7592: which registration this token manages. It is kept hashed. */
  managedBy(token: string): Promise<string | undefined>
  setManagement(id: string, token: string | undefined): Promise<void>
  /** Those of the catalogue, and all that registered or were met. */
  list(): Promise<readonly ListedAgent[]>
  /**
   * Stops an agent at once: tokens that are out, codes, refreshes, new authorizations. Its logins have ended for good.
   * Throws `agents.unknown`.
   */
  disable(id: string): Promise<void>
  /** Lets it go on. Tokens from before stay dead, refresh tokens too. Throws `agents.unknown`. */
  enable(id: string): Promise<void>
  /** Forgets registrations that nobody uses. */
  sweep(): Promise<void>
}

export interface AgentsDeps {
  readonly named: readonly NamedAgent[]
  readonly hosts: readonly DocumentHost[]
  readonly store: AgentStore
  readonly documents: Documents
  /** Whose registrations count: everybody's, or those that came with a statement of one of these issuers. */
  readonly registration: { readonly dynamic: boolean; readonly publishers: ReadonlySet<string> }
  readonly revocation: Pick<Revocation, 'entry' | 'learn' | 'listen'>
  readonly clock: Clock
}

export function createAgents(deps: AgentsDeps): Agents {
  const { named, hosts, store, documents, registration, revocation, clock } = deps
  const catalogue = new Map(named.map((agent) => [agent.key, agent]))
  const memory = createMemory(store.find, revocation)
  // What is not registered gets a row that matters by an entry of the feed alone.
  const rowOf = (id: string) => memory.read(id, catalogue.has(id) || documentUrl(id) !== undefined)
  // Every write goes through here: durable first, then forgotten here. What was read while one was under way may be older.
  const written = async <T>(id: string, write: Promise<T>): Promise<T> => {
    try {
      return await write
    } finally {
      memory.forget(id)
    }
  }
  const standing = async (id: string): Promise<Standing | undefined> => {
    const row = await rowOf(id)
    const disabled = row?.disabledAt !== undefined
    if (catalogue.has(id)) return { kind: 'catalogue', listed: true, disabled }
    const url = documentUrl(id)
    if (url !== undefined) {
      const host = hostStanding(url.host, hosts)
      return host === undefined ? undefined : { kind: 'document', listed: host === 'listed', disabled }
    }
    const counts =
      row?.kind === 'registered' && (registration.dynamic || hasStatement(row, registration.publishers))
    return counts ? { kind: 'registered', listed: false, disabled } : undefined
  }
  /** A row for one that has none yet. */
  const rowFor = async (id: string, name: string): Promise<AgentRow> => {
    const kind = (await standing(id))?.kind
    if (kind === undefined) throw fault.unknown({ detail: id })
    const nothing = { metadata: undefined, usedAt: undefined, disabledAt: undefined }
    return (await rowOf(id)) ?? { id, kind, name, createdAt: clock.now(), ...nothing }
  }
  const sweep = async (unused: number): Promise<void> => {
    await store.sweep(clock.now() - unused, clock.now() - IDLE_MS)
    memory.forgetAll()
  }

  return {
    standing,
    async find(id) {
      const stands = await standing(id)
      if (stands?.disabled === true) throw fault.disabled({ detail: id })
      if (isDocumentId(id)) {
        if (documentUrl(id) === undefined) throw fault.document_id_malformed({ detail: id })
        if (stands === undefined) throw fault.host_not_listed({ detail: id })
        return { kind: 'document', key: id, listed: stands.listed, metadata: await documents.find(id) }
      }
      const agent = catalogue.get(id)
      if (agent !== undefined) return { kind: 'catalogue', ...agent }
      const metadata = (await rowOf(id))?.metadata
      if (stands?.kind !== 'registered' || metadata === undefined) return undefined
      return { kind: 'registered', key: id, listed: false, metadata: clientMetadata.parse(metadata) }
    },
    exchanges: (id) => catalogue.get(id)?.exchange === true,
    delegatesOf: (id) => catalogue.get(id)?.delegates ?? [],
    async introduce(id, claimed) {
      const agent = catalogue.get(id)
      if (agent !== undefined) return introduce(id, agent.name, { kind: 'catalogue' })
      const [stands, row] = [await standing(id), await rowOf(id)]
      const url = documentUrl(id)
      return introduce(
        id,
        claimed ?? row?.name,
        url === undefined
          ? { kind: 'registered' }
          : { kind: 'document', host: url.host, listed: stands?.listed === true },
      )
    },
    async used(id, name) {
      if (catalogue.has(id)) return
      if (!(await written(id, store.used(await rowFor(id, name), clock.now()))))
        throw fault.unknown({ detail: id })
    },
    async register(id, metadata) {
      const name = metadata.client_name ?? ''
      const stored = metadata as JsonObject
      const entry = revocation.entry('agent_version', id)
      if (await written(id, store.replace(id, { name, metadata: stored }, entry))) {
        revocation.learn(entry)
        return 'changed'
      }
      const row: AgentRow = {
        id,
        kind: 'registered',
        name,
        metadata: stored,
        createdAt: clock.now(),
        usedAt: undefined,
        disabledAt: undefined,
      }
      if (await written(id, store.insert(row, REGISTRATIONS_MAX))) return 'registered'
      // Whoever fills them up with registrations for nobody makes room for the next one within the hour.
      await sweep(HOUR_MS)
      if (!(await written(id, store.insert(row, REGISTRATIONS_MAX)))) throw fault.registrations_full()
      return 'registered'
    },
    async deregister(id) {
      // Not from memory: another replica may have met the user.
      const used = (await store.find(id))?.usedAt !== undefined
      const entry = revocation.entry('agent', id)
      if (!(await written(id, store.remove(id, entry)))) return false
      revocation.learn(entry)
      return used
    },
    managedBy: (token) => store.managedBy(hashed(token)),
    setManagement: (id, token) => store.setManagement(id, token === undefined ? undefined : hashed(token)),
    async list() {
      const rows = await store.list()
      const met = new Map(rows.map((row) => [row.id, row]))
      const ofCatalogue = named.map(({ key, name }): ListedAgent => {
        const { createdAt, usedAt, disabledAt } = met.get(key) ?? {}
        return { id: key, kind: 'catalogue', name, createdAt, usedAt, disabledAt }
      })
      const others = rows.filter(({ id, kind }) => kind !== 'catalogue' && !catalogue.has(id)).map(listed)
      return [...ofCatalogue, ...others]
    },
    async disable(id) {
      const entry = revocation.entry('agent', id)
      if (!(await written(id, store.disable(await rowFor(id, ''), entry))))
        throw fault.unknown({ detail: id })
      revocation.learn(entry)
    },
    async enable(id) {
      if ((await rowOf(id)) === undefined && (await standing(id)) === undefined)
        throw fault.unknown({ detail: id })
      const entry = revocation.entry('agent_version', id)
      await written(id, store.enable(id, entry))
      revocation.learn(entry)
    },
    sweep: () => sweep(UNUSED_MS),
  }
}

/** The statement was verified when it registered; here it is read again, since its issuer may not count any more. */
function hasStatement({ metadata }: AgentRow, publishers: ReadonlySet<string>): boolean {
  const statement = metadata?.['software_statement']
  if (publishers.size === 0 || typeof statement !== 'string') return false
  const { iss } = decodeJwt(statement)
  return iss !== undefined && publishers.has(iss)
}

function listed({ id, kind, name, createdAt, usedAt, disabledAt }: AgentRow): ListedAgent {
  return { id, kind, name, createdAt, usedAt, disabledAt }
}
