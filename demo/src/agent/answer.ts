import { z } from 'zod'
import { commissionSchema } from '../commission.ts'

const claims = z.record(z.string(), z.unknown())
const saw = z.object({ user: z.unknown(), chain: z.array(z.unknown()), claims })
const toolResult = z.object({
  structuredContent: commissionSchema,
  _meta: z.object({ 'tetrapod.demo/received': z.object({ token2: claims, api: saw }) }),
})

/**
 * One answered call, with the claims of every hop's token (what the agent held, what the server received, what the API
 * received) and what the API saw of the caller.
 */
export const answerSchema = z.object({
  tokens: z.tuple([claims, claims, claims]),
  api: saw,
  result: commissionSchema,
})

/** The claims of a token, as they travelled. */
export type Claims = Readonly<z.infer<typeof claims>>
export type Answer = Readonly<z.infer<typeof answerSchema>>

/** Reads the result of `my_commission`. Throws when it is none. `token1` holds the claims of the agent's own token. */
export function answerFrom(result: unknown, token1: Claims): Answer {
  const { structuredContent, _meta } = toolResult.parse(result)
  const { token2, api } = _meta['tetrapod.demo/received']
  return { tokens: [token1, token2, api.claims], api, result: structuredContent }
}
