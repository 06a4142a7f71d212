import type { Operation } from './operation.ts'

const levels = ['DEBUG', 'INFO', 'ERROR', 'WARN', 'DISABLED'] as const

export const loggingOperations = {
  GetV2LoggingOptions: {
    route: 'GET /v2LoggingOptions',
    run: ({ registry }) => registry.getLogging()
  },
  SetV2LoggingOptions: {
    route: 'POST /v2LoggingOptions',
    run({ registry, body }) {
      const defaultLogLevel = body.optionalChoice('defaultLogLevel', levels) ?? 'ERROR'
      const roleArn = body.optionalText('roleArn') ?? ''
      const disableAllLogs = body.optionalFlag('disableAllLogs') ?? false
      registry.setLogging({ roleArn, defaultLogLevel, disableAllLogs })
      return {}
    }
  }
} satisfies Readonly<Record<string, Operation>>
