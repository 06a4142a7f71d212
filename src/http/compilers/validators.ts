import { AjvCompiler, type BuildCompilerFromPool, type RouteDefinition } from '@fastify/ajv-compiler'
import type { FastifyServerOptions } from 'fastify'
import type { Postponed } from './postponed.ts'

/** Fastify's contract of a validator: true, or what is wrong. */
type Validator = (value: unknown) => boolean | { readonly error: unknown }

type AjvPlugin = Extract<
  NonNullable<NonNullable<FastifyServerOptions['ajv']>['plugins']>[number],
  (...args: never[]) => unknown
>

/** Makes the validators of requests, later: to make them all takes a twentieth of the time in which the server starts. */
export function createValidatorFactory(postponed: Postponed): BuildCompilerFromPool {
  const make = AjvCompiler()
  const made = new Map<string, ReturnType<typeof make>>()
  return ((externalSchemas, options) => {
    const shared = Object.keys(externalSchemas ?? {}).join()
    // To make it, and to find that it was made, goes through all shared schemas: once, and not for each plugin.
    const findCompiler = () => {
      const known = made.get(shared) ?? make(externalSchemas, options)
      made.set(shared, known)
      return known
    }
    return (route: RouteDefinition): Validator => {
      const validate = postponed.postpone(() => findCompiler()(route))
      return value => {
        const check = validate()
        return check(value) === true || { error: check.errors }
      }
    }
  }) as BuildCompilerFromPool
}

/**
 * Ajv's `uniqueItems` compares each with each where the items are not all plain: seconds for a list that a small body
 * holds. Ours are lists of plain values; what is not plain has a fault of its own.
 */
export const useLinearUniqueItems: AjvPlugin = ajv =>
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isWanted: boolean, items: readonly unknown[]) =>
      !isWanted || new Set(items).size === items.length,
    error: { message: 'must NOT have duplicate items' }
  })
