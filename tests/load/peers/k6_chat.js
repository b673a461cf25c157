// The same journey for k6. Prints its number of journeys as JSON.
import ws from "k6/ws";

export const options = { vus: 50, duration: `${__ENV.SECONDS}s` };
const URL = `ws://127.0.0.1:${__ENV.PORT}/`;
const TOKEN = { headers: { Authorization: "Bearer " + "x".repeat(200) } };

export default function () {
  ws.connect(URL, TOKEN, (socket) => {
    let heard = 0;
    socket.on("open", () => socket.send('{"text": "say K7Q2-9XTM"}'));
    socket.on("message", (text) => {
      JSON.parse(text);
      heard += 1;
      if (heard === 5) socket.close();
    });
  });
}

export function handleSummary(data) {
  return { stdout: JSON.stringify({ n: data.metrics.iterations.values.count }) };
}
