import { z } from 'zod'

const auditLine = z.object({
  ref: z.string(),
  kind: z.string(),
  time: z.string(),
  user: z.string().optional(),
  username: z.string().optional(),
  agent: z.string().optional(),
  server: z.string().optional(),
  tool: z.string().optional(),
  api: z.string().optional(),
  client: z.string().optional(),
  delegate: z.string().optional(),
  arguments: z.unknown().optional(),
  /** Outermost first. */
  chain: z.array(z.object({ sub: z.string() })).optional(),
  decision: z.string().optional(),
  /** `pending` while the call runs. */
  outcome: z.string(),
})
const answer = z.object({ lines: z.array(auditLine) })

/** One line of the audit log, as the operators' API shows it. */
export type AuditLine = Readonly<z.infer<typeof auditLine>>

/** The last lines of the audit log, newest first, from the view the launcher offers. Throws when it does not answer. */
export async function readAudit(url: string, limit: number): Promise<readonly AuditLine[]> {
  const response = await fetch(`${url}?limit=${limit}`, {
    signal: AbortSignal.timeout(3000),
    redirect: 'error',
  })
  if (!response.ok) throw new Error(`the audit view answered ${response.status}`)
  const { lines } = answer.parse(await response.json())
  return lines.sort((a, b) => timeOf(b) - timeOf(a))
}

/** What a line is about: the tool, whom or what a token was issued for, or an event such as a sign-in. */
export function whatOf({ kind, tool, api, delegate, client }: AuditLine): string {
  if (tool !== undefined) return tool
  if (delegate !== undefined) return `a part for ${delegate}`
  return kind === 'exchange' ? `token for ${api ?? client ?? ''}` : kind.replaceAll('_', ' ')
}

/** The agent that the user let act, and in a call the sub-agents it handed to. */
export function agentsOf({ kind, agent, chain = [] }: AuditLine): string | undefined {
  if (kind !== 'call' || chain.length < 2) return agent
  return chain
    .map(({ sub }) => sub)
    .reverse()
    .join(' → ')
}

function timeOf({ time }: AuditLine): number {
  return Date.parse(time)
}
