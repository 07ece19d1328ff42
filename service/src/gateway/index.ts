export { gatewayRoutes, type GatewayDeps } from './gateway.ts'
