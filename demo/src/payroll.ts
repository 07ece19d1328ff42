import { readFlags } from './flags.ts'
import { payrollApi } from './payroll/payroll-api.ts'
import { serve } from './serve.ts'

const { port, issuer } = readFlags('port', 'issuer')
serve(payrollApi({ issuer, resource: `http://127.0.0.1:${port}` }), Number(port))
