import type { Client } from '@modelcontextprotocol/client'
import type { Context } from './context.ts'

type Calls = (client: Client, context: Context) => Promise<unknown>

/** What most scenarios ask of a client: to list the tools, and to call each. */
export const callTools: Calls = async (client) => {
  const { tools } = await client.listTools()
  for (const { name } of tools) await client.callTool({ name, arguments: {} })
}

/** What the others ask. */
export const callsOf: Readonly<Record<string, Calls>> = {
  initialize: (client) => client.listTools(),
  tools_call: async (client) => {
    await client.listTools()
    await client.callTool({ name: 'add_numbers', arguments: { a: 2, b: 3 } })
  },
  'http-standard-headers': async (client) => {
    await callTools(client, {})
    const { resources } = await client.listResources()
    for (const { uri } of resources) await client.readResource({ uri })
    const { prompts } = await client.listPrompts()
    for (const { name } of prompts) await client.getPrompt({ name })
  },
  'http-custom-headers': async (client, { toolCalls = [] }) => {
    await client.listTools()
    for (const call of toolCalls) await client.callTool(call)
  },
  'json-schema-ref-no-deref': (client) => client.listTools(),
  'json-schema-2020-12-preservation': async (client) => {
    const { tools } = await client.listTools()
    const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
    await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
  },
}
