import { isObject } from '#kernel'
import { type AuditRecord, canonicalText } from './record.ts'

type Check = (value: unknown) => boolean
type Shape = Readonly<Record<string, Check>>

/**
 * Reads the canonical bytes of a record. Throws for anything but canonical JSON (RFC 8785) of a known kind with the members
 * of that kind. Members it does not know are let pass: a newer replica may write them.
 */
export function parseRecord(canonical: Uint8Array): AuditRecord {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(canonical)
  const value: unknown = JSON.parse(text)
  if (!isObject(value) || canonicalText(value) !== text) throw new TypeError('not a canonical record')
  const shape = shapes.get(value['kind'])
  if (shape === undefined || !conforms(value, shape)) throw new TypeError('not a record of a known kind')
  return value as unknown as AuditRecord
}

const text: Check = (value) => typeof value === 'string'
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.some((known) => known === value)
const object =
  (shape: Shape): Check =>
  (value) =>
    isObject(value) && conforms(value, shape)

function conforms(value: Readonly<Record<string, unknown>>, shape: Shape): boolean {
  return Object.entries(shape).every(([member, check]) => check(value[member]))
}

const head = { replica: text, sequence: count, time: count }
const user = object({ id: text })
const authority = {
  ...head,
  user,
  token: text,
  txn: text,
  grant: text,
  agent: text,
  chain: listOf(object({ iss: text, sub: text, client_id: optional(text) })),
  client: text,
  server: text,
  audience: text,
  scopes: listOf(text),
  pattern: text,
  policy: object({ effect: oneOf('permit', 'deny'), rule: optional(text) }),
  reason: optional(text),
}
const mounts: Check = (value) => isObject(value) && Object.values(value).every(listOf(text))

const shapes: ReadonlyMap<unknown, Shape> = new Map<unknown, Shape>([
  [
    'decision',
    {
      ...authority,
      method: text,
      tool: optional(text),
      argumentsHmac: optional(text),
      argumentsKept: optional((value) => value === false),
      protocolVersion: text,
    },
  ],
  ['exchange', { ...authority, api: optional(text), delegate: optional(text), issued: optional(text) }],
  [
    'outcome',
    {
      ...head,
      decision: count,
      status: oneOf('ok', 'error', 'rejected', 'denied', 'failed', 'revoked', 'step_up', 'unknown'),
      reason: optional(text),
      milliseconds: optional((value) => typeof value === 'number'),
    },
  ],
  ['grant_given', { ...head, user, agent: text, grant: text, version: count, mounts }],
  ['grant_revoked', { ...head, user, agent: text, grant: text, by: oneOf('user', 'operator', 'agent') }],
  ['sign_in', { ...head, user, provider: text, session: text, acr: text }],
  [
    'token_issued',
    {
      ...head,
      user,
      agent: text,
      via: oneOf('code', 'refresh'),
      grant: text,
      family: text,
      txn: text,
      server: text,
      scopes: listOf(text),
      issued: text,
    },
  ],
  ['refresh_refused', { ...head, client: text, family: optional(text), reason: text }],
  [
    'agent_changed',
    {
      ...head,
      agent: text,
      change: oneOf('registered', 'changed', 'deregistered', 'disabled', 'enabled'),
      by: oneOf('operator', 'agent'),
    },
  ],
  ['sign_out', { ...head, user, session: optional(text), by: oneOf('user', 'operator') }],
  ['exchange_refused', { ...head, client: text, reason: text }],
  ['token_revoked', { ...head, user, agent: text, grant: text, client: text, token: text }],
  ['catalogue_changed', { ...head, before: text, after: text, added: listOf(text), removed: listOf(text) }],
  ['key_rotated', { ...head, kid: text, signsAt: count }],
  ['key_revoked', { ...head, kid: text }],
])
