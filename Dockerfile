# Build: install, generate the database client, compile, keep only what runs.
FROM node:26-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma ./prisma
RUN npm ci --omit=optional
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# The modes of a checkout made under a strict umask would bar the image's user from its own files.
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts && \
    chmod -R a+rX dist node_modules package.json prisma

# Run: Node from the image, the database from DATABASE_URL. No compiler, no Prisma CLI, no embedded PostgreSQL.
FROM node:26-trixie-slim
# Listening on all addresses, it starts with TLS, with a proxy in front, or where it is told that plain HTTP will do.
ENV NODE_ENV=production \
    MINTLINE_HOST=0.0.0.0 \
    MINTLINE_PORT=8080 \
    MINTLINE_DATA_DIR=/data
RUN install -d -o 1000 -g 1000 -m 0700 /data
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/prisma ./prisma
COPY --from=build /build/package.json ./
# The image's user "node", by number: Kubernetes' runAsNonRoot cannot tell from a name.
USER 1000:1000
VOLUME /data
EXPOSE 8080
# It asks itself, so that the name in the certificate is of no matter.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "const { MINTLINE_PORT: port, MINTLINE_TLS_CERT_FILE: tls } = process.env; require(tls ? 'https' : 'http').get({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=32", "dist/main.js", "serve"]
