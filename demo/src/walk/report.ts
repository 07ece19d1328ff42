import { agentsOf, type AuditLine, whatOf } from '../agent/audit-lines.ts'
import { people } from '../company.ts'
import type { Walked } from './walk.ts'

/** The walk in words: every hop of every user, then the audit log. */
export function report({ users, audit }: Walked): string {
  const walks = people.flatMap(({ username, name }) => {
    const walk = users[username]
    if (walk === undefined) return []
    const [token1, token2, token3] = walk.tokens
    const { month, deals, rate, commission } = walk.result
    return [
      `── ${name} ${'─'.repeat(60)}`,
      heading('leg 1', `${name} signed in and let the assistant act`),
      heading('leg 2', 'the agent called the gateway with token 1'),
      json(token1),
      heading('leg 3', 'the gateway called the MCP server, which received token 2'),
      json(token2),
      heading('leg 4', 'the MCP server called the API, which received token 3'),
      json(token3),
      heading('the API saw', `${walk.api.chain.length} actors acting for ${username}`),
      heading('result', `commission for ${month}: ${commission} EUR (${rate} % of ${deals.length} deals)`),
      ...deals.map(({ customer, amount }) => `              ${customer}: ${amount} EUR`),
      heading('refused', `delete_customer: ${walk.refusal}`),
      heading('sub-agent', 'the planner handed this to the researcher'),
      json(walk.research.handed),
      heading(
        'token 3',
        `then the API saw ${walk.research.answer.api.chain.length} actors acting for ${username}`,
      ),
      json(walk.research.answer.tokens[2]),
      '',
    ]
  })
  return [...walks, `── Audit log ${'─'.repeat(54)}`, ...audit.map(auditLine), ''].join('\n')
}

function heading(what: string, sentence: string): string {
  return `${what.padEnd(12)}  ${sentence}`
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/^/gm, '              ')
}

function auditLine(line: AuditLine): string {
  const { time, username, server, decision, outcome } = line
  const inputs = line.arguments === undefined ? undefined : JSON.stringify(line.arguments)
  const words = [time, username, agentsOf(line), server, whatOf(line), inputs, decision, outcome]
  return words.map((word) => word ?? '-').join('  ')
}
