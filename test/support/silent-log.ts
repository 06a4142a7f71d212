const ignore = (): void => undefined

/** For parts whose log is not what a test is about. */
export const silentLog = { debug: ignore, info: ignore, warn: ignore, error: ignore }
