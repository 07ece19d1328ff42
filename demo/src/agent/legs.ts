import { html } from 'hono/html'
import type { Html } from './page.ts'

/** The four legs of one call, drawn: who passes what to whom. With `subAgent`, whom the agent handed a part to. */
export function legs(user: string, agent: string, subAgent?: string): Html {
  return html`<ol class="legs" aria-label="The four legs of this call">
    ${party(user, 'the user')} ${leg('grants')} ${party(agent, 'the agent')}
    ${subAgent === undefined ? '' : html`${leg('a part')} ${party(subAgent, 'its sub-agent')}`}
    ${leg('token 1')} ${party('Gateway', 'Tetrapod')} ${leg('token 2')} ${party('CRM', 'MCP server')}
    ${leg('token 3')} ${party('Payroll', 'the API')}
  </ol>`
}

function party(name: string, role: string): Html {
  return html`<li class="party"><strong>${name}</strong><small>${role}</small></li>`
}

function leg(carries: string): Html {
  return html`<li class="leg"><span>${carries}</span></li>`
}
