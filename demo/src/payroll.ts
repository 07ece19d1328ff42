import { clientKeyFile } from '@tetrapod/server-sdk'
import { readFlags } from './flags.ts'
import { payrollApi } from './payroll/payroll-api.ts'
import { serve } from './serve.ts'

const { port, issuer, key } = readFlags('port', 'issuer', 'key')
serve(
  payrollApi({ issuer, resource: `http://127.0.0.1:${port}`, key: await clientKeyFile(key) }),
  Number(port),
)
