// A real OIDC provider on a random port of this machine. Each client stands for somebody, with claims of their own.
// stdin: {"NAME": {"claims": {...}, "ttl": seconds}}; stdout: its issuer, one line. POST /rotate replaces its keys.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Provider } from "oidc-provider";

const people = JSON.parse(await text(process.stdin));
let answer;
const server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const drawn = () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
};

const provider = () =>
  new Provider(issuer, {
    jwks: { keys: [drawn()] },
    clients: Object.keys(people).map((name) => ({
      client_id: name,
      client_secret: "secret",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    })),
    extraTokenClaims: (_, token) => people[token.clientId].claims,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience, client) => ({
          audience,
          scope: "",
          accessTokenFormat: "jwt",
          accessTokenTTL: people[client.clientId].ttl ?? 600,
        }),
      },
    },
  }).callback();

const rotate = () => {
  const current = provider();
  answer = (request, response) => {
    if (request.url !== "/rotate") return current(request, response);
    rotate();
    response.writeHead(204).end();
  };
};

rotate();
console.log(issuer);
