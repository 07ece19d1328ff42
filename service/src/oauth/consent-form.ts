import { z } from 'zod'
import { CONSENT_SECONDS_MAX } from '#grants'
import { fault } from './faults.ts'

/** What a person leaves of what an agent asked for, and for how long. */
export interface Choice {
  readonly scopes: ReadonlySet<string>
  /** The sub-agents it may hand part of that to, by key. */
  readonly delegates: ReadonlySet<string>
  readonly lastsSeconds: number
}

/** How long a consent can last, the longest first: it is what the page proposes. */
export const durations: readonly { readonly seconds: number; readonly words: string }[] = [
  { seconds: CONSENT_SECONDS_MAX, words: '30 days' },
  { seconds: 7 * 24 * 3600, words: '7 days' },
  { seconds: 24 * 3600, words: '1 day' },
  { seconds: 3600, words: '1 hour' },
]

/** The name of a scope's box in the form. */
export function boxOf(scope: string): string {
  return `scope:${scope}`
}

/** The name of a sub-agent's box in the form. */
export function delegateBoxOf(agent: string): string {
  return `agent:${agent}`
}

/** The form of the consent page: two buttons, one choice of time, and a box for each scope and each sub-agent. */
export const consentForm = z
  .object({
    decision: z.enum(['allow', 'deny']),
    shown: z.string(),
    lasts: z.enum(durations.map(({ seconds }) => String(seconds))),
  })
  .catchall(z.literal('on'))
type ConsentForm = z.infer<typeof consentForm>

/** Reads what was ticked and chosen. Throws `oauth.consent_not_shown` for anything that the page did not offer. */
export function choiceOf(form: ConsentForm, offered: Pick<Choice, 'scopes' | 'delegates'>): Choice {
  const ticked = new Set(Object.keys(form).filter((name) => !Object.hasOwn(consentForm.shape, name)))
  const boxes = [...[...offered.scopes].map(boxOf), ...[...offered.delegates].map(delegateBoxOf)]
  const [stray] = ticked.difference(new Set(boxes))
  if (stray !== undefined) throw fault.consent_not_shown({ detail: stray })
  return {
    scopes: new Set([...offered.scopes].filter((scope) => ticked.has(boxOf(scope)))),
    delegates: new Set([...offered.delegates].filter((agent) => ticked.has(delegateBoxOf(agent)))),
    lastsSeconds: Number(form.lasts),
  }
}
