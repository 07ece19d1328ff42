import type { Answer, Claims } from '../agent/answer.ts'
import type { AuditLine } from '../agent/audit-lines.ts'
import { type Company, people } from '../company.ts'
import type { Walk, Walked } from './walk.ts'

/**
 * Compares a walk with what must be true of it. Every sentence it answers is a promise that was broken; an empty list
 * means that all of them were kept.
 */
export function brokenPromises(walked: Walked, company: Company): readonly string[] {
  return [
    ...people.flatMap(({ username }) => {
      const answer = walked.users[username]
      if (answer === undefined) return [`${username} has no answer`]
      const { research } = answer
      // The assistant registered itself: what it is called is known from its first token.
      const assistant = [String(answer.tokens[0]['client_id'])]
      const researchers = ['researcher', 'planner']
      const ofResearch = [
        ...ofTokens(research.answer, username, researchers, company),
        ...ofHandover(research, company),
        ...ofAudit(walked.audit, username, researchers),
      ].map((sentence) => `the researcher: ${sentence}`)
      return [
        ...ofTokens(answer, username, assistant, company),
        ...ofAudit(walked.audit, username, assistant),
        ...ofRefusal(walked.audit, username),
        ...ofResearch,
      ].map((sentence) => `${username}: ${sentence}`)
    }),
    ...ofIsolation(walked),
  ]
}

/** `agents`: those of the chain, outermost first. */
function ofTokens(
  { tokens, api }: Answer,
  username: string,
  agents: readonly string[],
  company: Company,
): readonly string[] {
  const { publicUrl: iss, mount, crm, payroll } = company
  const [first] = tokens
  const [id] = agents
  const agent = nested(agents, iss)
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
  const actors = agents.length + 2
  return [
    ...tokens.flatMap((token, i) => {
      const hop = { ...expected[i], iss, sub: first['sub'], txn: first['txn'], sub_id: first['sub_id'] }
      return differences(token, hop).map((difference) => `token ${i + 1} ${difference}`)
    }),
    ...['sub', 'txn', 'client_id'].flatMap((name) =>
      typeof first[name] === 'string' ? [] : [`token 1 has no ${name}`],
    ),
    ...(subjectName(first) === username ? [] : [`token 1 is about ${canonical(subjectName(first))}`]),
    ...(api.chain.length === actors ? [] : [`the API saw ${api.chain.length} actors, not ${actors}`]),
  ]
}

/** The `act` claim of these agents, outermost first. */
function nested([sub, ...inner]: readonly string[], iss: string): Claims {
  return { iss, sub, ...(inner.length === 0 ? {} : { act: nested(inner, iss) }) }
}

/** What was handed over: for the researcher, who alone may act on it; less than the planner holds; nobody has acted yet. */
function ofHandover({ handed, answer }: Walk['research'], { publicUrl: iss }: Company): readonly string[] {
  const [first] = answer.tokens
  return differences(handed, {
    aud: 'researcher',
    client_id: 'planner',
    may_act: { iss, sub: 'researcher' },
    act: { iss, sub: 'planner' },
    scope: 'crm.read',
    sub: first['sub'],
    txn: first['txn'],
  }).map((difference) => `what was handed over ${difference}`)
}

function differences(token: Claims, expected: Claims): readonly string[] {
  return Object.keys(expected)
    .filter((name) => canonical(token[name]) !== canonical(expected[name]))
    .map((name) => `has ${name} = ${canonical(token[name])}, not ${canonical(expected[name])}`)
}

/** `agents`: those of the chain, outermost first. */
function ofAudit(
  audit: readonly AuditLine[],
  username: string,
  agents: readonly string[],
): readonly string[] {
  const permitted = callsOf(audit, username).find(
    ({ tool, agent }) => tool === 'my_commission' && agent === agents.at(-1),
  )
  const names =
    permitted !== undefined &&
    permitted.user !== undefined &&
    permitted.arguments !== undefined &&
    canonical(permitted.chain?.map(({ sub }) => sub)) === canonical(agents)
  return names && permitted.decision === 'permit' && permitted.outcome === 'ok'
    ? []
    : ['no audit line names user, agents, server, tool, inputs and outcome of my_commission']
}

function ofRefusal(audit: readonly AuditLine[], username: string): readonly string[] {
  const refused = callsOf(audit, username).find(({ tool }) => tool === 'delete_customer')
  return refused?.decision === 'deny' ? [] : ['no audit line tells that delete_customer was refused']
}

function callsOf(audit: readonly AuditLine[], username: string): readonly AuditLine[] {
  return audit.filter((line) => line.username === username && line.server === 'crm')
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
