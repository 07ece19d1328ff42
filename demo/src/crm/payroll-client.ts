import { type Caller, ExchangeRefused, ExchangeUnavailable } from '@tetrapod/server-sdk'
import { z } from 'zod'
import { commissionSchema } from '../commission.ts'

const answerSchema = z.object({ statement: commissionSchema, saw: z.record(z.string(), z.unknown()) })
const refusalSchema = z.object({ error: z.string() })

export type PayrollAnswer = z.infer<typeof answerSchema> | { readonly sentence: string }

/**
 * Asks payroll for the caller's commission, as the caller. What payroll or the broker refuses comes
 * back as a sentence; a consent that is missing is thrown, for the user can give it.
 */
export async function askPayroll(caller: Caller, payroll: string, month?: string): Promise<PayrollAnswer> {
  try {
    const url = new URL('/commission', payroll)
    if (month !== undefined) url.searchParams.set('month', month)
    const signal = AbortSignal.timeout(5000)
    const response = await caller.fetch('payroll', url, { scopes: ['payroll.read'], signal })
    const body: unknown = await response.json()
    if (response.ok) return answerSchema.parse(body)
    const refused = refusalSchema.safeParse(body)
    return { sentence: refused.success ? refused.data.error : `Payroll answered ${response.status}.` }
  } catch (error) {
    if (error instanceof ExchangeRefused && error.error !== 'consent_required')
      return { sentence: `Payroll was not asked: ${error.message}` }
    if (error instanceof ExchangeUnavailable) {
      return {
        sentence: 'Payroll cannot be asked right now: no token can be had for it. Try again in a moment.',
      }
    }
    throw error
  }
}
