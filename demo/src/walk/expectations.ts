import type { Answer, Claims } from '../agent/answer.ts'
import type { AuditLine } from '../agent/audit-lines.ts'
import { type Company, people } from '../company.ts'
import type { Walked } from './walk.ts'

/**
 * Compares a walk with what must be true of it. Every sentence it answers is a promise that was broken; an empty list
 * means that all of them were kept.
 */
export function brokenPromises(walked: Walked, company: Company): readonly string[] {
  return [
    ...people.flatMap(({ username }) => {
      const answer = walked.users[username]
      if (answer === undefined) return [`${username} has no answer`]
      return [...ofTokens(answer, username, company), ...ofAudit(walked.audit, username, answer)].map(
        (sentence) => `${username}: ${sentence}`,
      )
    }),
    ...ofIsolation(walked),
  ]
}

function ofTokens({ tokens, api }: Answer, username: string, company: Company): readonly string[] {
  const { publicUrl: iss, mount, crm, payroll } = company
  const [first] = tokens
  // The agent registered itself: what it is called is known from its first token.
  const id = first['client_id']
  const agent = { iss, sub: id }
  const gateway = { iss, sub: mount, client_id: 'gateway' }
  const expected: readonly Claims[] = [
    { aud: mount, client_id: id, act: agent, scope: 'crm.read' },
    { aud: crm, client_id: 'gateway', act: { ...gateway, act: agent }, scope: 'crm.read' },
    {
      aud: payroll,
      client_id: 'crm',
      act: { iss, sub: 'crm', act: { ...gateway, act: agent } },
      scope: 'payroll.read',
    },
  ]
  return [
    ...tokens.flatMap((token, i) => {
      const hop = { ...expected[i], iss, sub: first['sub'], txn: first['txn'], sub_id: first['sub_id'] }
      return differences(token, hop).map((difference) => `token ${i + 1} ${difference}`)
    }),
    ...['sub', 'txn', 'client_id'].flatMap((name) =>
      typeof first[name] === 'string' ? [] : [`token 1 has no ${name}`],
    ),
    ...(subjectName(first) === username ? [] : [`token 1 is about ${canonical(subjectName(first))}`]),
    ...(api.chain.length === 3 ? [] : [`the API saw ${api.chain.length} actors, not 3`]),
  ]
}

function differences(token: Claims, expected: Claims): readonly string[] {
  return Object.keys(expected)
    .filter((name) => canonical(token[name]) !== canonical(expected[name]))
    .map((name) => `has ${name} = ${canonical(token[name])}, not ${canonical(expected[name])}`)
}

function ofAudit(audit: readonly AuditLine[], username: string, { tokens }: Answer): readonly string[] {
  const own = audit.filter((line) => line.username === username && line.server === 'crm')
  const permitted = own.find(({ tool }) => tool === 'my_commission')
  const refused = own.find(({ tool }) => tool === 'delete_customer')
  const names =
    permitted !== undefined &&
    permitted.agent === tokens[0]['client_id'] &&
    permitted.user !== undefined &&
    permitted.arguments !== undefined
  return [
    ...(names && permitted.decision === 'permit' && permitted.outcome === 'ok'
      ? []
      : ['no audit line names user, agent, server, tool, inputs and outcome of my_commission']),
    ...(refused?.decision === 'deny' ? [] : ['no audit line tells that delete_customer was refused']),
  ]
}

function ofIsolation({ users }: Walked): readonly string[] {
  const [one, other] = people.map(({ username }) => users[username])
  if (one === undefined || other === undefined) return []
  return [
    ...(one.tokens[0]['sub'] === other.tokens[0]['sub'] ? ['both users have the same sub'] : []),
    ...(one.tokens[0]['txn'] === other.tokens[0]['txn'] ? ['both users have the same txn'] : []),
    ...(canonical(one.result) === canonical(other.result) ? ['both users got the same statement'] : []),
  ]
}

function subjectName({ sub_id }: Claims): unknown {
  return typeof sub_id === 'object' && sub_id !== null && 'sub' in sub_id ? sub_id.sub : undefined
}

/** JSON with its members in order, so that equal values are written the same. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'nothing'
  )
}
