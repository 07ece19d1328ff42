import type { Answer, Form } from './by-hand.ts'

/**
 * The same request, built anew each time, sent to every one of these token endpoints at once: several when several
 * processes share one database.
 */
export async function race(
  endpoints: readonly string[],
  times: number,
  form: () => Promise<Form>,
): Promise<readonly Answer[]> {
  const forms = await Promise.all(Array.from({ length: times }, form))
  return Promise.all(
    forms.map(async (fields, nth) => {
      const given = Object.entries(fields).filter(([, value]) => value !== undefined) as [string, string][]
      const body = new URLSearchParams(given)
      const answer = await fetch(endpoints[nth % endpoints.length] ?? '', { method: 'POST', body })
      return { status: answer.status, body: (await answer.json()) as Answer['body'] }
    }),
  )
}
