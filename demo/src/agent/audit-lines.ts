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
  arguments: z.unknown().optional(),
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

/** What a line is about: the tool, the API a token was issued for, or an event such as a sign-in. */
export function whatOf({ kind, tool, api }: AuditLine): string {
  return tool ?? (api === undefined ? kind.replaceAll('_', ' ') : `token for ${api}`)
}

function timeOf({ time }: AuditLine): number {
  return Date.parse(time)
}
