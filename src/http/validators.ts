import { AjvCompiler, type BuildCompilerFromPool, type RouteDefinition } from '@fastify/ajv-compiler'

/** Fastify's contract of a validator: true, or what is wrong. */
type Validator = (value: unknown) => boolean | { readonly error: unknown }

/**
 * Makes the validators of requests, each for the first request that needs it: to make them all takes a twentieth of the
 * time in which the server starts.
 */
export function createValidatorFactory(): BuildCompilerFromPool {
  const make = AjvCompiler()
  return ((externalSchemas, options) => {
    const compile = make(externalSchemas, options)
    return (route: RouteDefinition): Validator => {
      let validate: ReturnType<typeof compile> | undefined
      return value => {
        validate ??= compile(route)
        return validate(value) === true || { error: validate.errors }
      }
    }
  }) as BuildCompilerFromPool
}
