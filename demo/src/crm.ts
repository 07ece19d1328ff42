import { clientKeyFile } from '@tetrapod/server-sdk'
import { crm } from './crm/crm-server.ts'
import { readFlags } from './flags.ts'
import { serve } from './serve.ts'

const { port, issuer, payroll, key } = readFlags('port', 'issuer', 'payroll', 'key')
serve(
  crm({ issuer, resource: `http://127.0.0.1:${port}/mcp`, key: await clientKeyFile(key), payroll }),
  Number(port),
)
