import { decodeJwt } from 'jose'
import { answerFrom } from './answer.ts'
import type { ToolCall } from './call-tool.ts'
import { offered } from './offered.ts'
import type { Desk } from './visitors.ts'

/**
 * Calls an offered tool for the user of a desk, and answers the desk as it is afterwards: what was answered last stays
 * until there is a new answer.
 */
export async function ask(desk: Desk, tool: string, callTool: ToolCall): Promise<Desk> {
  const { login, answer, research } = desk
  const kept = { login, ...(research && { research }) }
  const before = { ...kept, ...(answer && { answer }) }
  const token = login.token()
  if (token === undefined) return { ...before, ended: 'expired' }
  const called = await callTool(login, tool, offered.get(tool) ?? {})
  switch (called.outcome) {
    case 'answered':
      return { ...kept, answer: answerFrom(called.result, decodeJwt(token)) }
    case 'refused':
      return { ...before, refusal: { tool, sentence: called.sentence } }
    case 'signed_out':
    default:
      return { ...before, ended: login.token() === undefined ? 'expired' : 'not_taken' }
  }
}
