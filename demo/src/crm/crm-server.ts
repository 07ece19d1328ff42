import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  type CallToolResult,
  createMcpHandler,
  McpServer,
  requireScopes,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { callerOf, type ClientKey, protect, stepUp } from '@tetrapod/server-sdk'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { commissionSchema } from '../commission.ts'
import type { Served } from '../serve.ts'
import { findCustomers } from './customers.ts'
import { askPayroll } from './payroll-client.ts'

export interface CrmOptions {
  /** Tetrapod's `publicUrl`. */
  readonly issuer: string
  /** Where this server is: the audience of the tokens it takes. */
  readonly resource: string
  /** Its own private key, with which it asks for the next token and follows the revocation feed. */
  readonly key: ClientKey
  /** Where the payroll API is. */
  readonly payroll: string
}

/** The CRM: an MCP server that shows every user their own customers, and asks payroll on their behalf. */
export function crm({ issuer, resource, key, payroll }: CrmOptions): Served {
  const scopes = ['crm.read', 'crm.write']
  const { guard, close } = protect({
    issuer,
    resource,
    scopes,
    name: 'Customers',
    client: { id: 'crm', key },
  })
  const handle = toNodeHandler(createMcpHandler(() => buildServer(payroll)))
  return { handle: guard((request, response) => handle(request, response)), close }
}

function buildServer(payroll: string): McpServer {
  const server = new McpServer({ name: 'demo-crm', version: '0.1.0' })
  const query = z.string().trim().min(1, 'Say what to look for: a part of a name or a town.')
  const month = z.string().regex(/^\d{4}-\d{2}$/, 'Write the month as YYYY-MM.')
  const id = z.string().min(1, 'Say which customer: its id.')

  server.registerTool(
    'find_customer',
    {
      description: 'Finds customers of the user by a part of their name or town.',
      inputSchema: z.object({ query }),
      scopeChallenge: requireScopes('crm.read'),
    },
    ({ query }, context) => {
      const username = usernameIn(context)
      const customers = findCustomers(username, query)
      if (customers === undefined) return refusal(`${username} keeps no customers here.`)
      const found = customers.length === 0 ? 'None found.' : customers.map(({ name }) => name).join(', ')
      return { content: [{ type: 'text', text: found }], structuredContent: { customers } }
    },
  )
  server.registerTool(
    'my_commission',
    {
      description: 'The commission of the user for a month; without a month, for the latest.',
      inputSchema: z.object({ month: month.optional() }),
      outputSchema: commissionSchema,
      scopeChallenge: requireScopes('crm.read'),
    },
    async ({ month }, context) => {
      const asked = await askPayroll(callerOf(context), payroll, month).catch(stepUp)
      if ('isError' in asked) return asked
      if ('sentence' in asked) return refusal(asked.sentence)
      const { statement, saw } = asked
      const text = `Commission for ${statement.month}: ${statement.commission} EUR (${statement.rate} %).`
      const received = { token2: decodeJwt(context.http?.authInfo?.token ?? ''), api: saw }
      return {
        content: [{ type: 'text', text }],
        structuredContent: statement,
        _meta: { 'tetrapod.demo/received': received },
      }
    },
  )
  server.registerTool(
    'delete_customer',
    {
      description: 'Deletes a customer of the user.',
      inputSchema: z.object({ id }),
      annotations: { destructiveHint: true },
      scopeChallenge: requireScopes('crm.write'),
    },
    ({ id }) =>
      refusal(`${id} stays: this demo keeps its customers. Tetrapod should not have let this call through.`),
  )
  return server
}

/** The name under which the identity provider knows the user. */
function usernameIn(context: ServerContext): string {
  return callerOf(context).user.subjectId.sub
}

function refusal(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] }
}
