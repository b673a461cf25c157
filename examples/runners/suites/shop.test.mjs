// A suite of Node's own test runner: nothing has to be installed beside node.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const get = (path) => fetch(process.env.SHOP_URL + path);

describe("shop", () => {
  it("lists its articles", async () => {
    const answer = await get("/articles");
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), ["bread", "milk", "tea"]);
  });

  it("has a price for tea", async () => {
    assert.deepEqual(await (await get("/articles/tea")).json(), { price: 4.5 });
  });

  it("knows no gold", async () => {
    assert.equal((await get("/articles/gold")).status, 404);
  });
});
