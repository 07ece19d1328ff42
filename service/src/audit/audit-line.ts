import type { Actor } from '@tetrapod/protocol'
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
  /** The inputs; undefined when there are none, and when they cannot be opened. */
  readonly arguments: Json | undefined
  /** True when the personal values (username, inputs) were erased or changed. */
  readonly unopenable: boolean
  readonly decision: Verdict['effect'] | undefined
  readonly rule: string | undefined
  /** `pending` while the call runs; `issued` for an exchange that was permitted; `recorded` for an event. */
  readonly outcome: OutcomeStatus | 'unknown' | 'pending' | 'issued' | 'recorded'
  readonly reason: string | undefined
  /** Of one mount or API; for a grant `{server}:{scope}`. */
  readonly scopes: readonly string[]
  /** Outermost first. */
  readonly chain: readonly Actor[]
  readonly txn: string | undefined
  readonly grant: string | undefined
  readonly milliseconds: number | undefined
}

const CHARACTERS_MAX = 2000

/** One line for a person. Control and direction characters are shown escaped: an input cannot forge a line or a terminal. */
export function formatLine(line: AuditLine): string {
  const user = line.user ?? 'nobody known'
  const who = line.username === undefined ? user : `${line.username} (${user})`
  const parts = [line.time, line.ref, who, ...agentOf(line), ...whatOf[line.kind](line), ...howOf(line)]
  const text = parts.join(' ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)
  return text.length > CHARACTERS_MAX ? `${text.slice(0, CHARACTERS_MAX)}...` : text
}

function agentOf({ agent }: AuditLine): readonly string[] {
  return agent === undefined ? [] : [`by agent ${agent}`]
}

const whatOf: Readonly<Record<AuditLine['kind'], (line: AuditLine) => readonly string[]>> = {
  call: (line) => [`calls ${line.server}.${line.tool ?? line.method}`, inputsOf(line)],
  exchange: ({ server, api, scopes }) => [`exchange: ${server} asks for ${api} [${scopes.join(' ')}]`],
  grant_given: ({ grant, scopes }) => [`grant ${grant} given [${scopes.join(' ')}]`],
  grant_revoked: ({ grant }) => [`grant ${grant} revoked`],
  sign_in: () => ['signed in'],
  exchange_refused: ({ server }) => [`exchange: ${server} asks`],
}

function inputsOf(line: AuditLine): string {
  if (line.unopenable) return '(inputs erased or changed)'
  return line.arguments === undefined ? '(no inputs)' : JSON.stringify(line.arguments)
}

function howOf(line: AuditLine): readonly string[] {
  const decision = line.decision === undefined ? [] : [line.decision, `by ${line.rule ?? 'default'}`]
  const reason = line.reason === undefined ? [] : [`(${line.reason})`]
  const took = line.milliseconds === undefined ? [] : [`in ${Math.round(line.milliseconds)} ms`]
  return ['-', ...decision, `-> ${line.outcome}`, ...reason, ...took]
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
  }
  return record.kind === 'decision' || record.kind === 'exchange'
    ? { ...common, ...authorityMembers(record, outcome) }
    : { ...common, ...eventMembers(record) }
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
    const ended = permitted ? 'issued' : 'denied'
    return { ...common, kind: 'exchange', api: record.api, outcome: ended } as const
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
  const { kind, agent, grant } = record
  if (kind === 'grant_revoked') return { kind, agent, grant, reason: `by ${record.by}` }
  const scopes = Object.entries(record.mounts).flatMap(([server, held]) =>
    held.map((scope) => `${server}:${scope}`),
  )
  return { kind, agent, grant, scopes }
}

const nothing = {
  agent: undefined,
  server: undefined,
  method: undefined,
  tool: undefined,
  api: undefined,
  decision: undefined,
  rule: undefined,
  outcome: 'recorded',
  reason: undefined,
  scopes: [],
  chain: [],
  txn: undefined,
  grant: undefined,
  milliseconds: undefined,
} as const
