import { z } from 'zod'

const auditLine = z.looseObject({
  ref: z.string(),
  time: z.union([z.string(), z.number()]),
  username: z.string().nullish(),
  agent: z.string().nullish(),
  server: z.string().nullish(),
  tool: z.string().nullish(),
  arguments: z.unknown().optional(),
  decision: z.string().nullish(),
  outcome: z.string().nullish(),
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
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const { lines } = answer.parse(await response.json())
  return lines.sort((a, b) => timeOf(b) - timeOf(a))
}

function timeOf({ time }: AuditLine): number {
  return new Date(time).getTime()
}
