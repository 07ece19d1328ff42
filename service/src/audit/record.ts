import canonicalize from 'canonicalize'
import { hashed } from '#kernel'
import type {
  AuditUser,
  Authority,
  DecisionInput,
  EventInput,
  ExchangeInput,
  OutcomeStatus,
} from './record-input.ts'

/** Where and when a record was written. */
export interface Head {
  readonly replica: string
  /** Counts the records of a replica from 1 without a gap. */
  readonly sequence: number
  /** Milliseconds. */
  readonly time: number
}

/** Names a person by the account id alone: nothing in a record has to be erased with them. */
interface Subject {
  readonly user: { readonly id: string }
}

export interface DecisionRecord extends Head, Authority, Subject {
  readonly kind: 'decision'
  /** SHA-256 of the presented token's `jti`, base64url. */
  readonly token: string
  readonly method: string
  readonly tool?: string | undefined
  readonly argumentsHmac?: string | undefined
  /** False when the inputs were too large to lie beside the record; absent otherwise. */
  readonly argumentsKept?: false | undefined
  readonly protocolVersion: string
}

export interface ExchangeRecord extends Head, Authority, Subject {
  readonly kind: 'exchange'
  readonly token: string
  readonly api?: string | undefined
  readonly delegate?: string | undefined
  /** SHA-256 of the `jti` to be issued, base64url. */
  readonly issued?: string | undefined
}

/** How a decision ended; of an exchange or an event, that what it says did not happen (`failed`) or may not have (`unknown`). */
export interface OutcomeRecord extends Head {
  readonly kind: 'outcome'
  /** The sequence of the record that it is about, on the same replica. */
  readonly decision: number
  readonly status: OutcomeStatus | 'unknown'
  readonly reason?: string | undefined
  readonly milliseconds?: number | undefined
}

export type Ending = Pick<OutcomeRecord, 'status' | 'reason' | 'milliseconds'>

/** Of a token the hash of its `jti`. */
type Recorded<Event> = Event extends { readonly user: AuditUser; readonly jti: string }
  ? Omit<Event, 'user' | 'jti'> & Head & Subject & { readonly token: string }
  : Event extends { readonly user: AuditUser }
    ? Omit<Event, 'user'> & Head & Subject
    : Event & Head
export type EventRecord = Recorded<EventInput>

export type AuditRecord = DecisionRecord | ExchangeRecord | OutcomeRecord | EventRecord

/** The name of a record for its readers: unique, and growing with every record of its replica. */
export function refOf({ replica, sequence }: Pick<Head, 'replica' | 'sequence'>): string {
  return `${replica}-${sequence}`
}

/** What a ref names: the name of a replica has no hyphen. */
export function partsOf(ref: string): Pick<Head, 'replica' | 'sequence'> | undefined {
  const [, replica, number] = /^([^-]+)-([1-9]\d{0,14})$/.exec(ref) ?? []
  return replica === undefined ? undefined : { replica, sequence: Number(number) }
}

/** The sequence that a ref of this replica names; undefined for anything else. */
export function sequenceOf(ref: string, replica: string): number | undefined {
  const number = ref.startsWith(`${replica}-`) ? ref.slice(replica.length + 1) : ''
  return /^[1-9]\d{0,14}$/.test(number) ? Number(number) : undefined
}

/** The canonical bytes of a record (RFC 8785). Throws for what JSON cannot carry exactly (RFC 7493). */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('not a JSON value')
  return text
}

/** What a decision says of its inputs. */
export interface InputsOnRecord {
  readonly hmac: string | undefined
  readonly tooLarge: boolean
}

/** A name that a caller chose freely is cut here, so that a refused call cannot fill the log. */
const NAME_CHARACTERS_MAX = 256

/** Members are named one by one: whatever else the caller's value holds stays out of the log. */
export function decisionRecord(
  head: Head,
  input: Omit<DecisionInput, 'arguments'>,
  inputs: InputsOnRecord,
): DecisionRecord {
  return {
    kind: 'decision',
    ...head,
    ...authority(input),
    user: { id: input.user.id },
    token: hashed(input.jti),
    method: cut(input.method),
    tool: input.tool === undefined ? undefined : cut(input.tool),
    argumentsHmac: inputs.hmac,
    argumentsKept: inputs.tooLarge ? false : undefined,
    protocolVersion: input.protocolVersion,
  }
}

export function exchangeRecord(head: Head, input: ExchangeInput): ExchangeRecord {
  return {
    kind: 'exchange',
    ...head,
    ...authority(input),
    user: { id: input.user.id },
    token: hashed(input.jti),
    api: input.api,
    delegate: input.delegate,
    issued: input.issued === undefined ? undefined : hashed(input.issued),
  }
}

export function eventRecord(head: Head, input: EventInput): EventRecord {
  if (input.kind === 'exchange_refused') {
    const { kind, client, reason } = input
    return { kind, ...head, client, reason }
  }
  if (input.kind === 'key_rotated')
    return { kind: input.kind, ...head, kid: input.kid, signsAt: input.signsAt }
  if (input.kind === 'key_revoked') return { kind: input.kind, ...head, kid: input.kid }
  if (input.kind === 'catalogue_changed') {
    const { kind, before, after, added, removed } = input
    return { kind, ...head, before, after, added, removed }
  }
  if (input.kind === 'agent_changed') {
    const { kind, agent, change, by } = input
    return { kind, ...head, agent, change, by }
  }
  if (input.kind === 'refresh_refused') {
    const { kind, client, family, reason } = input
    return { kind, ...head, client, family, reason }
  }
  const user = { id: input.user.id }
  if (input.kind === 'token_issued') {
    const { kind, agent, via, grant, family, txn, server, scopes } = input
    const issued = hashed(input.issued)
    return { kind, ...head, user, agent, via, grant, family, txn, server, scopes, issued }
  }
  if (input.kind === 'sign_in') {
    const { kind, provider, session, acr } = input
    return { kind, ...head, user, provider, session, acr }
  }
  if (input.kind === 'sign_out') {
    const { kind, session, by } = input
    return { kind, ...head, user, session, by }
  }
  const { agent, grant } = input
  if (input.kind === 'token_revoked') {
    return { kind: input.kind, ...head, user, agent, grant, client: input.client, token: hashed(input.jti) }
  }
  return input.kind === 'grant_given'
    ? { kind: input.kind, ...head, user, agent, grant, version: input.version, mounts: input.mounts }
    : { kind: input.kind, ...head, user, agent, grant, by: input.by }
}

export function outcomeRecord(
  head: Head,
  decision: number,
  { status, reason, milliseconds }: Ending,
): OutcomeRecord {
  return { kind: 'outcome', ...head, decision, status, reason, milliseconds }
}

/** Half a surrogate pair cannot be recorded: none is made by cutting. */
function cut(name: string): string {
  if (name.length <= NAME_CHARACTERS_MAX) return name
  return `${name.slice(0, NAME_CHARACTERS_MAX).replace(/[\ud800-\udbff]$/, '')}...`
}

function authority(input: Authority): Authority {
  const { txn, grant, agent, client, server, audience, scopes, pattern, reason } = input
  const chain = input.chain.map(({ iss, sub, client_id }) => ({
    iss,
    sub,
    ...(client_id === undefined ? {} : { client_id }),
  }))
  const policy = { effect: input.policy.effect, rule: input.policy.rule }
  return { txn, grant, agent, chain, client, server, audience, scopes, pattern, policy, reason }
}
