import { type Actor, GATEWAY } from '@tetrapod/protocol'
import type { Json } from '#kernel'
import type { Personal } from './personal.ts'
import type { Joined } from './read-back.ts'
import {
  type DecisionRecord,
  type EventRecord,
  type ExchangeRecord,
  type OutcomeRecord,
  refOf,
} from './record.ts'
import type { OutcomeStatus, Verdict } from './record-input.ts'

/** One thing that happened, for people and machines: a call with its outcome, an exchange, or an event. */
export interface AuditLine {
  readonly ref: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly kind: 'call' | 'exchange' | EventRecord['kind']
  /** Account id; undefined where no user was known. */
  readonly user: string | undefined
  readonly username: string | undefined
  readonly agent: string | undefined
  readonly server: string | undefined
  readonly method: string | undefined
  readonly tool: string | undefined
  readonly api: string | undefined
  /** The OAuth client that asks. */
  readonly client: string | undefined
  /** The sub-agent that an agent hands on to. */
  readonly delegate: string | undefined
  /** The inputs; undefined when there are none, and when they cannot be opened. */
  readonly arguments: Json | undefined
  /** True when the personal values (username, inputs) were erased or changed. */
  readonly unopenable: boolean
  /** True when the inputs were too large to keep: the record has their HMAC alone. */
  readonly inputsTooLarge: boolean
  readonly decision: Verdict['effect'] | undefined
  readonly rule: string | undefined
  /**
   * `pending` while the call runs; `issued` for an exchange that was permitted; `recorded` for an event. Of these two,
   * `failed` when what was recorded did not happen, `unknown` when it may not have.
   */
  readonly outcome: OutcomeStatus | 'unknown' | 'pending' | 'issued' | 'recorded'
  readonly reason: string | undefined
  /** Of one mount or API; for a grant `{server}:{scope}`. */
  readonly scopes: readonly string[]
  /** Of the configuration: what it no longer has (`- agent planner`), then what it has now. */
  readonly changes: readonly string[] | undefined
  /** Outermost first. */
  readonly chain: readonly Actor[]
  readonly txn: string | undefined
  readonly grant: string | undefined
  /** The id of a signing key. */
  readonly key: string | undefined
  readonly milliseconds: number | undefined
}

/** Of a line: what a caller hands over is cut to what the rest of the line leaves of it. */
const CHARACTERS_MAX = 2000
const NAME_CHARACTERS_MAX = 128

/**
 * One line for a person: who, by which agent, what, what was decided and what came of it, and last what the caller handed
 * over, cut where it is long. No input can forge a line, a terminal or a verdict: control and direction characters are
 * shown escaped, and a name that is more than one word is shown quoted.
 */
export function formatLine(line: AuditLine): string {
  const who = line.user === undefined ? 'nobody known' : named(line.user)
  const user = line.username === undefined ? who : `${named(line.username)} (${who})`
  const parts = [line.time, line.ref, user, ...agentOf(line), whatOf[line.kind](line), ...howOf(line)]
  const head = visible(parts.join(' '))
  const handed = visible(handedOver(line))
  return handed === '' ? head : `${head} ${cut(handed, CHARACTERS_MAX - head.length)}`
}

function agentOf({ agent, chain }: AuditLine): readonly string[] {
  if (agent === undefined) return []
  const subAgents = subAgentsOf(chain).map((sub) => ` through ${named(sub)}`)
  return [`by agent ${named(agent)}${subAgents.join('')}`]
}

/** Whom the agent handed to, the first of them first: what the gateway and servers did follows them in the chain. */
function subAgentsOf(chain: readonly Actor[]): readonly string[] {
  const gateway = chain.findIndex(({ client_id }) => client_id === GATEWAY)
  return chain
    .slice(gateway + 1)
    .map(({ sub }) => sub)
    .reverse()
    .slice(1)
}

const whatOf: Readonly<Record<AuditLine['kind'], (line: AuditLine) => string>> = {
  call: ({ server, tool, method }) => `calls ${named(server)}.${named(tool ?? method)}`,
  exchange: ({ client, server, api, delegate }) =>
    delegate === undefined
      ? `exchange: ${named(client)} asks for ${named(api ?? server)}`
      : `exchange: ${named(client)} hands ${named(server)} on to ${named(delegate)}`,
  grant_given: ({ grant }) => `grant ${named(grant)} given`,
  grant_revoked: ({ grant }) => `grant ${named(grant)} revoked`,
  agent_changed: () => 'agent',
  sign_in: () => 'signed in',
  token_issued: ({ server }) => `token for ${named(server)}`,
  refresh_refused: () => 'asks for a refresh',
  sign_out: () => 'signed out',
  exchange_refused: ({ server }) => `exchange: ${named(server)} asks`,
  token_revoked: ({ grant }) => `token of grant ${named(grant)} revoked`,
  catalogue_changed: () => 'configuration changed',
  key_rotated: ({ key }) => `signing key ${named(key)} made ready`,
  key_revoked: ({ key }) => `signing key ${named(key)} revoked`,
}

const WITH_SCOPES: ReadonlySet<AuditLine['kind']> = new Set(['exchange', 'grant_given', 'token_issued'])

/** What of a line may be long. */
function handedOver(line: AuditLine): string {
  if (line.kind === 'call') return inputsOf(line)
  if (line.kind === 'catalogue_changed') return `[${(line.changes ?? []).join(', ')}]`
  return WITH_SCOPES.has(line.kind) ? `[${line.scopes.join(' ')}]` : ''
}

function inputsOf(line: AuditLine): string {
  if (line.inputsTooLarge) return '(inputs too large to keep)'
  if (line.unopenable) return '(inputs erased or changed)'
  return line.arguments === undefined ? '(no inputs)' : JSON.stringify(line.arguments)
}

function howOf(line: AuditLine): readonly string[] {
  const decision = line.decision === undefined ? [] : [line.decision, `by ${named(line.rule ?? 'default')}`]
  const reason = line.reason === undefined ? [] : [`(${short(line.reason)})`]
  const took = line.milliseconds === undefined ? [] : [`in ${Math.round(line.milliseconds)} ms`]
  return ['-', ...decision, `-> ${line.outcome}`, ...reason, ...took]
}

/** One word as it is; anything else quoted, so that it cannot pass for what the line says itself. */
function named(name = ''): string {
  return /^[\w.:/@+[\]-]{1,128}$/.test(name) ? name : JSON.stringify(short(name))
}

function short(text: string): string {
  return text.length > NAME_CHARACTERS_MAX ? `${text.slice(0, NAME_CHARACTERS_MAX)}...` : text
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(0, room))}... (cut: ${text.length} characters)` : text
}

function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}

/** Undefined for an outcome, which is a part of its decision's line. */
export function auditLine(
  { stored: { record }, outcome }: Joined,
  personal: Personal | 'unopenable',
): AuditLine | undefined {
  if (record.kind === 'outcome') return undefined
  const opened = personal === 'unopenable' ? {} : personal
  const common = {
    ...nothing,
    ref: refOf(record),
    time: new Date(record.time).toISOString(),
    user: 'user' in record ? record.user.id : undefined,
    username: opened.username,
    arguments: opened.arguments,
    unopenable: personal === 'unopenable',
    inputsTooLarge: record.kind === 'decision' && record.argumentsKept === false,
  }
  return record.kind === 'decision' || record.kind === 'exchange'
    ? { ...common, ...authorityMembers(record, outcome) }
    : { ...common, ...eventMembers(record), ...amendedMembers(outcome) }
}

function authorityMembers(record: DecisionRecord | ExchangeRecord, outcome: OutcomeRecord | undefined) {
  const { agent, server, scopes, chain, txn, grant, policy } = record
  const reason = outcome?.reason ?? record.reason
  const common = {
    agent,
    server,
    scopes,
    chain,
    txn,
    grant,
    decision: policy.effect,
    rule: policy.rule,
    reason,
  }
  const permitted = policy.effect === 'permit'
  if (record.kind === 'exchange') {
    const ended = permitted ? (outcome?.status ?? 'issued') : 'denied'
    const { client, api, delegate } = record
    return { ...common, kind: 'exchange', client, api, delegate, outcome: ended } as const
  }
  const { method, tool } = record
  const ended = permitted ? (outcome?.status ?? 'pending') : 'denied'
  const milliseconds = outcome?.milliseconds
  return { ...common, kind: 'call', method, tool, outcome: ended, milliseconds } as const
}

function eventMembers(record: EventRecord) {
  if (record.kind === 'sign_in') return { kind: record.kind, reason: `at ${record.provider}` }
  if (record.kind === 'exchange_refused') {
    return { kind: record.kind, server: record.client, outcome: 'denied', reason: record.reason } as const
  }
  if (record.kind === 'key_rotated') {
    const { kind, kid, signsAt } = record
    return { kind, key: kid, reason: `signs from ${new Date(signsAt).toISOString()}` }
  }
  if (record.kind === 'key_revoked') return { kind: record.kind, key: record.kid }
  if (record.kind === 'catalogue_changed') {
    const { kind, before, after, added, removed } = record
    const changes = [...removed.map((name) => `- ${name}`), ...added.map((name) => `+ ${name}`)]
    return { kind, changes, reason: `${before.slice(0, 12)} to ${after.slice(0, 12)}` }
  }
  if (record.kind === 'agent_changed') {
    const { kind, agent, change, by } = record
    return { kind, agent, reason: `${change} by ${by}` }
  }
  if (record.kind === 'refresh_refused') {
    return { kind: record.kind, agent: record.client, outcome: 'denied', reason: record.reason } as const
  }
  if (record.kind === 'sign_out') return { kind: record.kind, reason: `by ${record.by}` }
  const { kind, agent, grant } = record
  if (kind === 'token_revoked') return { kind, agent, grant, reason: `by ${record.client}` }
  if (kind === 'token_issued') {
    const { server, scopes, txn, via } = record
    return { kind, agent, grant, server, scopes, txn, outcome: 'issued', reason: `by ${via}` } as const
  }
  if (kind === 'grant_revoked') return { kind, agent, grant, reason: `by ${record.by}` }
  const scopes = Object.entries(record.mounts).flatMap(([server, held]) =>
    held.map((scope) => `${server}:${scope}`),
  )
  return { kind, agent, grant, scopes }
}

function amendedMembers(amendment: OutcomeRecord | undefined) {
  return amendment && { outcome: amendment.status, reason: amendment.reason }
}

const nothing = {
  agent: undefined,
  server: undefined,
  method: undefined,
  tool: undefined,
  api: undefined,
  client: undefined,
  delegate: undefined,
  decision: undefined,
  rule: undefined,
  outcome: 'recorded',
  reason: undefined,
  scopes: [],
  changes: undefined,
  chain: [],
  txn: undefined,
  grant: undefined,
  key: undefined,
  milliseconds: undefined,
} as const
