import type { Agent, Login } from '@tetrapod/agent-sdk'
import { decodeJwt } from 'jose'
import { type Answer, answerFrom, type Claims } from './answer.ts'
import type { ToolCall } from './call-tool.ts'
import { offered } from './offered.ts'

/** What the researcher is allowed of what the planner holds. */
const HANDED = ['crm.read']

/** Two agents of the catalogue: the planner, whom users let act, and the researcher, to whom it hands a part of that. */
export interface Team {
  readonly planner: Pick<Agent, 'begin' | 'finish'>
  readonly researcher: Pick<Agent, 'accept'>
}

/** What came of it: what was handed over, and what the researcher then found; or why not. */
export interface Research {
  readonly planner: Login
  readonly handed?: Claims
  readonly answer?: Answer
  readonly refusal?: string
}

/** The planner hands a part of its login to the researcher, who looks up the commission with it. */
export async function research(
  planner: Login,
  { researcher, callTool }: Pick<Team, 'researcher'> & { readonly callTool: ToolCall },
): Promise<Research> {
  try {
    const handed = await planner.delegate({ to: 'researcher', scopes: HANDED })
    const login = await researcher.accept(planner.mcpUrl, handed)
    const called = await callTool(login, 'my_commission', offered.get('my_commission') ?? {})
    if (called.outcome !== 'answered')
      return {
        planner,
        refusal: called.outcome === 'refused' ? called.sentence : 'What was handed over has ended.',
      }
    const answer = answerFrom(called.result, decodeJwt(login.token() ?? ''))
    return { planner, handed: decodeJwt(handed), answer }
  } catch (error) {
    if (error instanceof Error) return { planner, refusal: error.message }
    throw error
  }
}
