-- POST /issues/ with the ten fields activity-core sends, every one a new task.

local report = require "report"
local key = os.getenv("BENCH_KEY")
local body = '{"title":"Flag stale SBOM in service %08d","description":"The software bill of materials of this service is older than '
    .. 'ninety days.\\n\\nRegenerate it with the release workflow, check the new advisories it brings up, and close this issue when the '
    .. 'report is green. Found by the nightly inventory; the rule is documented in the handbook under supply chain, section four.",'
    .. '"target_repo":"activity-core","priority":"medium","labels":["sbom","automation","supply-chain"],"due_in_days":14,'
    .. '"source_type":"rule","source_id":"flag-stale-sbom","triggering_event_id":"nightly-run-%04d-%08d",'
    .. '"activity_definition_id":"7f0c2b9e-6f0d-4a53-9d53-0d3f6a1c9b11"}'
local run = tonumber(os.getenv("BENCH_RUN"))
-- Fixed widths, so the length is the same for all and the head is made once.
local length = #string.format(body, 0, 0, 0)
local head = "POST /issues/ HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. key
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\n\r\n"
local template = head .. body
local counter = 0

-- One thread only (see `load`), so a counter is enough.
function request()
    counter = counter + 1
    return string.format(template, counter, run, counter)
end

-- Only for filling a store to read from: write down the ids of the answers. wrk hands over answers only if this is defined.
local ids = os.getenv("BENCH_IDS")
if ids then
    local file = io.open(ids, "a")
    function response(status, _, answer)
        local id = answer:match('"issue_id":"([^"]+)"')
        if status == 201 and id then file:write(id, "\n") end
    end
end

function done(summary, latency)
    report(summary, latency)
end
